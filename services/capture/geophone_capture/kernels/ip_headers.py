"""Kernel: the headers of IP packets, version 4 with options, version 6 with extension headers."""

import numpy as np

from geophone_capture.reasons import Reason
from geophone_shared.jit import Array, inner_kernel
from geophone_shared.kernels.octets import be16, be64, octet

_CUT_BY_SNAPLEN = int(Reason.CUT_BY_SNAPLEN)
_BAD_IP_HEADER = int(Reason.BAD_IP_HEADER)

_MAX_EXTENSION_HEADERS = 8  # RFC 8200 §4.1 lists seven that may stand in one packet
_MAPPED = np.uint64(0x0000FFFF00000000)  # ::ffff:0:0/96, RFC 4291 §2.5.5.2

_AUTHENTICATION = 51
_FRAGMENT = 44


@inner_kernel
def is_extension(protocol: int) -> bool:
    """Whether an IPv6 extension header follows, of those that can be walked over."""
    is_option = protocol == 0 or protocol == 43 or protocol == 60
    is_mobility = protocol == 135 or protocol == 139 or protocol == 140
    return is_option or is_mobility or protocol == _AUTHENTICATION or protocol == _FRAGMENT


@inner_kernel
def ipv4_header(
    buffer: Array, at: int, end: int, wire_end: int, flow: Array
) -> tuple[int, int, int, int, bool]:
    """Read a header (RFC 791 §3.1); its addresses go into `flow`.

    Args:
        buffer: uint8.
        at: where it starts.
        end: where the captured bytes end.
        wire_end: where the bytes ended on the wire.
        flow: one `FLOW`. Of a fragment, what belongs to it is set as well.

    Returns:
        (where the payload starts, where its captured bytes end, where it ended on the wire, its
        protocol, whether it is a fragment), or (-reason, 0, 0, 0, False).
    """
    if end - at < 20:
        return -(_CUT_BY_SNAPLEN if end < wire_end else _BAD_IP_HEADER), 0, 0, 0, False
    header_bytes = (octet(buffer, at) & 0x0F) * 4
    if octet(buffer, at) >> 4 != 4 or header_bytes < 20:
        return -_BAD_IP_HEADER, 0, 0, 0, False
    total_bytes = be16(buffer, at + 2)
    if total_bytes == 0:  # the sender's network card was to fill it in (segmentation offload)
        total_bytes = wire_end - at
    if total_bytes < header_bytes or at + total_bytes > wire_end:
        return -_BAD_IP_HEADER, 0, 0, 0, False
    wire_end = at + total_bytes
    end = min(end, wire_end)
    payload = at + header_bytes
    if payload > end:
        return -_CUT_BY_SNAPLEN, 0, 0, 0, False
    flow[0]["source_high"] = np.uint64(0)
    flow[0]["destination_high"] = np.uint64(0)
    source = (be16(buffer, at + 12) << 16) | be16(buffer, at + 14)
    destination = (be16(buffer, at + 16) << 16) | be16(buffer, at + 18)
    flow[0]["source_low"] = _MAPPED | np.uint64(source)
    flow[0]["destination_low"] = _MAPPED | np.uint64(destination)
    fragment = be16(buffer, at + 6) & 0x3FFF  # "more fragments" and the offset
    if fragment != 0:
        flow[0]["ip_version"] = 4
        flow[0]["identification"] = be16(buffer, at + 4)
        flow[0]["offset_bytes"] = (fragment & 0x1FFF) * 8
        flow[0]["has_more"] = fragment >> 13
    return payload, end, wire_end, octet(buffer, at + 9), fragment != 0


@inner_kernel
def ipv6_header(
    buffer: Array, at: int, end: int, wire_end: int, flow: Array
) -> tuple[int, int, int, int, bool]:
    """Read a header and the extension headers after it (RFC 8200 §3 and §4); as `ipv4_header`.

    The protocol of a fragment is the next header of its fragment header, extension or not.
    """
    if end - at < 40:
        return -(_CUT_BY_SNAPLEN if end < wire_end else _BAD_IP_HEADER), 0, 0, 0, False
    if octet(buffer, at) >> 4 != 6:
        return -_BAD_IP_HEADER, 0, 0, 0, False
    payload_bytes = be16(buffer, at + 4)
    if payload_bytes != 0:  # 0: jumbogram, its length is that of the frame
        if at + 40 + payload_bytes > wire_end:
            return -_BAD_IP_HEADER, 0, 0, 0, False
        wire_end = at + 40 + payload_bytes
        end = min(end, wire_end)
    flow[0]["source_high"] = be64(buffer, at + 8)
    flow[0]["source_low"] = be64(buffer, at + 16)
    flow[0]["destination_high"] = be64(buffer, at + 24)
    flow[0]["destination_low"] = be64(buffer, at + 32)
    protocol = octet(buffer, at + 6)
    at += 40
    for _ in range(_MAX_EXTENSION_HEADERS + 1):
        if not is_extension(protocol):
            return at, end, wire_end, protocol, False
        if end - at < 8:
            return -(_CUT_BY_SNAPLEN if end < wire_end else _BAD_IP_HEADER), 0, 0, 0, False
        following = octet(buffer, at)
        if protocol == _FRAGMENT:
            fragment = be16(buffer, at + 2) & 0xFFF9
            if fragment != 0:  # 0: an atomic fragment, RFC 6946
                flow[0]["ip_version"] = 6
                flow[0]["identification"] = (be16(buffer, at + 4) << 16) | be16(buffer, at + 6)
                flow[0]["offset_bytes"] = fragment & 0xFFF8
                flow[0]["has_more"] = fragment & 1
                return at + 8, end, wire_end, following, True
            at += 8
        elif protocol == _AUTHENTICATION:  # RFC 4302: in units of 4 bytes
            at += (octet(buffer, at + 1) + 2) * 4
        else:
            at += (octet(buffer, at + 1) + 1) * 8
        protocol = following
    return -_BAD_IP_HEADER, 0, 0, 0, False
