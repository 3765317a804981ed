"""What the reasons in a report mean, in a few words for people."""

NOT_DECODED = {
    "encapsulated": "inside a tunnel protocol that can't be looked into, or too deep inside",
    "unknown_link_type": "from an interface whose link type Geophone doesn't know",
    "cut_by_snaplen": "the capture kept too little of the packet; capture with snap length 0",
    "bad_link_header": "the link-layer header is cut or makes no sense",
    "bad_ip_header": "the IP header is cut or contradicts itself",
    "bad_udp_length": "the UDP length doesn't fit the packet",
    "bad_tcp_header": "the TCP header is cut or contradicts itself",
    "short_message": "shorter than a DNS header (12 bytes)",
    "no_question": "a message without a question",
    "truncated_message": "the message ends inside its question",
    "bad_pointer": "a compression pointer in the name leads nowhere, forwards or in a circle",
    "bad_label_type": "a reserved label type in the name; probably not DNS",
    "name_too_long": "a name longer than 255 bytes",
}

NOT_DNS = {
    "arp": "ARP",
    "icmp": "ICMP",
    "other_port": "UDP or TCP on other ports",
    "other_protocol": "other IP protocols",
    "other_ethertype": "other link-layer protocols",
    "multicast_dns": "multicast DNS",
    "llmnr": "LLMNR",
    "netbios": "NetBIOS names",
}

NOT_VISIBLE = {
    "dns_over_tls": "DNS over TLS or QUIC (port 853)",
    "dns_over_https": "HTTPS with public resolvers, which may be DNS",
}


def explained(reason: str) -> str:
    """A reason for not decoding DNS with what it means, where that is known."""
    return f"{reason}: {NOT_DECODED[reason]}" if reason in NOT_DECODED else reason


def not_dns_name(reason: str) -> str:
    """What packets with this reason are."""
    return NOT_DNS.get(reason, reason.replace("_", " "))


def not_visible_name(reason: str) -> str:
    """What packets with this reason are that nobody but their ends can read."""
    return NOT_VISIBLE.get(reason, reason.replace("_", " "))
