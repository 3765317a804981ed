"""Public resolvers that answer over HTTPS: what is sent to their port 443 may well be DNS [core].

From the operators' own pages. The list needn't be whole: it tells how much of a network's DNS goes
past what can be seen, and there is always a resolver that nobody knows of.
"""

import ipaddress

import numpy as np

from geophone_shared.jit import Array

BY_OWNER = {
    "AdGuard": (
        *("94.140.14.14", "94.140.14.15", "94.140.14.140", "94.140.14.141"),
        *("94.140.15.15", "94.140.15.16"),
        *("2a10:50c0::ad1:ff", "2a10:50c0::ad2:ff", "2a10:50c0::bad1:ff", "2a10:50c0::bad2:ff"),
    ),
    "Alibaba": ("223.5.5.5", "223.6.6.6", "2400:3200::1", "2400:3200:baba::1"),
    "CIRA": ("149.112.121.10", "149.112.122.10", "2620:10a:80bb::10", "2620:10a:80bc::10"),
    "CleanBrowsing": (
        *("185.228.168.9", "185.228.168.10", "185.228.168.168"),
        *("185.228.169.9", "185.228.169.11", "185.228.169.168"),
        *("2a0d:2a00:1::", "2a0d:2a00:2::"),
    ),
    "Cloudflare": (
        *("1.0.0.1", "1.0.0.2", "1.0.0.3", "1.1.1.1", "1.1.1.2", "1.1.1.3"),
        *("104.16.248.249", "104.16.249.249", "162.159.61.4", "172.64.41.4"),
        *("2606:4700:4700::1001", "2606:4700:4700::1002", "2606:4700:4700::1003"),
        *("2606:4700:4700::1111", "2606:4700:4700::1112", "2606:4700:4700::1113"),
        *("2606:4700::6810:f8f9", "2606:4700::6810:f9f9"),
    ),
    "Control D": ("76.76.2.0", "76.76.10.0", "2606:1a40::", "2606:1a40:1::"),
    "DNS.SB": ("45.11.45.11", "185.222.222.222", "2a09::", "2a11::"),
    "dns0.eu": ("185.253.5.0", "193.110.81.0", "2a0f:fc80::", "2a0f:fc81::"),
    "DNSPod": ("1.12.12.12", "120.53.53.53"),
    "Google": ("8.8.4.4", "8.8.8.8", "2001:4860:4860::8844", "2001:4860:4860::8888"),
    "Mullvad": ("194.242.2.2", "194.242.2.3", "194.242.2.4", "2a07:e340::2", "2a07:e340::3"),
    "NextDNS": ("45.90.28.0", "45.90.30.0", "2a07:a8c0::", "2a07:a8c1::"),
    "OpenDNS": (
        *("146.112.41.2", "146.112.41.3", "208.67.220.123", "208.67.220.220"),
        *("208.67.222.123", "208.67.222.222", "2620:119:35::35", "2620:119:53::53"),
    ),
    "Quad9": (
        *("9.9.9.9", "9.9.9.10", "9.9.9.11"),
        *("149.112.112.10", "149.112.112.11", "149.112.112.112"),
        *("2620:fe::9", "2620:fe::10", "2620:fe::11"),
        *("2620:fe::fe", "2620:fe::fe:10", "2620:fe::fe:11"),
    ),
    "Wikimedia": ("185.71.138.138", "2001:67c:930::1"),
    "Yandex": ("77.88.8.1", "77.88.8.8"),
}
"""Owner → addresses."""


def resolver_addresses() -> list[ipaddress.IPv4Address | ipaddress.IPv6Address]:
    """All of them."""
    return [ipaddress.ip_address(text) for texts in BY_OWNER.values() for text in texts]


def resolver_table() -> Array:
    """All of them as `Sought.resolvers` wants them."""
    mapped = 0xFFFF << 32  # ::ffff:0:0/96
    numbers = sorted(
        int(address) | (mapped if isinstance(address, ipaddress.IPv4Address) else 0)
        for address in resolver_addresses()
    )
    halves = [(number >> 64, number & 0xFFFFFFFFFFFFFFFF) for number in numbers]
    return np.array(halves, np.uint64)
