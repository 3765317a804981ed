"""Kernel: the headers of tunnels over IP and UDP, up to what they carry.

Each answers (where what is carried starts, its EtherType), or (-reason, 0): `BAD_LINK_HEADER` where
the packet ends too early, `ENCAPSULATED` where the header is not one that can be walked over, and
`OTHER_PORT` where the tunnel's own signalling is carried.
"""

from geophone_capture.encapsulations import Encapsulation
from geophone_capture.kernels.links import ETHERNET, IPV4, IPV6
from geophone_capture.reasons import Reason
from geophone_shared.jit import Array, inner_kernel
from geophone_shared.kernels.octets import be16, octet

_ENCAPSULATED = int(Reason.ENCAPSULATED)
_BAD_LINK_HEADER = int(Reason.BAD_LINK_HEADER)
_OTHER_PORT = int(Reason.OTHER_PORT)

VXLAN = int(Encapsulation.VXLAN)
GENEVE = int(Encapsulation.GENEVE)
TEREDO = int(Encapsulation.TEREDO)
GTP_U = int(Encapsulation.GTP_U)

_ERSPAN = 0x88BE  # types I and II, draft-foschiano-erspan-03 §4
_ERSPAN_III = 0x22EB

_MAX_TEREDO_INDICATIONS = 2  # RFC 4380 §5.1.1: an authentication, an origin, in this order
_MAX_GTP_EXTENSIONS = 8  # 3GPP TS 29.281 §5.2.1 defines about as many
_G_PDU = 255


@inner_kernel
def tunnel_over_udp(source_port: int, destination_port: int) -> int:
    """The `Encapsulation` that UDP between these ports is, or 0.

    A Teredo server answers from its port; the others send to theirs in both directions.
    """
    if destination_port == 4789:  # RFC 7348 §5
        return VXLAN
    if destination_port == 6081:  # RFC 8926 §3.3
        return GENEVE
    if destination_port == 2152:  # 3GPP TS 29.281 §4.4.2
        return GTP_U
    if destination_port == 3544 or source_port == 3544:  # RFC 4380 §2.7
        return TEREDO
    return 0


@inner_kernel
def in_udp_tunnel(buffer: Array, at: int, end: int, tunnel: int) -> tuple[int, int]:
    """What a datagram of `tunnel` (one of `tunnel_over_udp`) carries."""
    if tunnel == VXLAN:
        return _in_vxlan(buffer, at, end)
    if tunnel == GENEVE:
        return _in_geneve(buffer, at, end)
    if tunnel == GTP_U:
        return _in_gtp(buffer, at, end)
    return _in_teredo(buffer, at, end)


@inner_kernel
def _in_vxlan(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """RFC 7348 §5. Other flags than "I" are those of extensions, which keep the format."""
    if end - at < 8:
        return -_BAD_LINK_HEADER, 0
    if octet(buffer, at) & 0x08 == 0:
        return -_ENCAPSULATED, 0
    return at + 8, ETHERNET


@inner_kernel
def _in_geneve(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """RFC 8926 §3.4; options are skipped."""
    if end - at < 8:
        return -_BAD_LINK_HEADER, 0
    if octet(buffer, at) >> 6 != 0:
        return -_ENCAPSULATED, 0
    return at + 8 + (octet(buffer, at) & 0x3F) * 4, be16(buffer, at + 2)


@inner_kernel
def _of_ip(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """The IP packet at `at`, told by its version."""
    if end - at < 1:
        return -_BAD_LINK_HEADER, 0
    version = octet(buffer, at) >> 4
    if version == 4:
        return at, IPV4
    if version == 6:
        return at, IPV6
    return -_ENCAPSULATED, 0


@inner_kernel
def _in_gtp(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """3GPP TS 29.281 §5."""
    if end - at < 8:
        return -_BAD_LINK_HEADER, 0
    flags = octet(buffer, at)
    if flags >> 4 != 3:  # version 1, and not GTP'
        return -_ENCAPSULATED, 0
    if octet(buffer, at + 1) != _G_PDU:
        return -_OTHER_PORT, 0
    at += 8
    if flags & 0x07 == 0:
        return _of_ip(buffer, at, end)
    if end - at < 4:
        return -_BAD_LINK_HEADER, 0
    following = octet(buffer, at + 3) if flags & 0x04 != 0 else 0
    at += 4
    for _ in range(_MAX_GTP_EXTENSIONS + 1):
        if following == 0:
            return _of_ip(buffer, at, end)
        if end - at < 4:
            return -_BAD_LINK_HEADER, 0
        extension_bytes = octet(buffer, at) * 4
        if extension_bytes == 0:
            return -_ENCAPSULATED, 0
        if end - at < extension_bytes:
            return -_BAD_LINK_HEADER, 0
        at += extension_bytes
        following = octet(buffer, at - 1)
    return -_ENCAPSULATED, 0


@inner_kernel
def _in_teredo(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """RFC 4380 §5.1.1."""
    for _ in range(_MAX_TEREDO_INDICATIONS):
        if end - at < 4:
            return -_BAD_LINK_HEADER, 0
        indication = be16(buffer, at)
        if indication == 0:  # origin
            at += 8
        elif indication == 1:  # authentication
            at += 4 + octet(buffer, at + 2) + octet(buffer, at + 3) + 9
        else:
            break
    if end - at < 1:
        return -_BAD_LINK_HEADER, 0
    if octet(buffer, at) >> 4 != 6:
        return -_ENCAPSULATED, 0
    return at, IPV6


@inner_kernel
def in_gre(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """RFC 2784, RFC 2890. Version 1 (PPTP, RFC 2637) compresses and encrypts what it carries."""
    if end - at < 4:
        return -_BAD_LINK_HEADER, 0
    flags = be16(buffer, at)
    if flags & 0x4007 != 0:  # source routes of RFC 1701, or another version
        return -_ENCAPSULATED, 0
    protocol = be16(buffer, at + 2)
    at += 4
    if flags & 0x8000 != 0:  # checksum
        at += 4
    if flags & 0x2000 != 0:  # key
        at += 4
    has_sequence = flags & 0x1000 != 0
    if has_sequence:
        at += 4
    if protocol == _ERSPAN:
        return (at + 8 if has_sequence else at), ETHERNET
    if protocol == _ERSPAN_III:
        return _in_erspan_iii(buffer, at, end)
    return at, protocol


@inner_kernel
def _in_erspan_iii(buffer: Array, at: int, end: int) -> tuple[int, int]:
    """draft-foschiano-erspan-03 §4.3: 12 bytes, and 8 more where the last bit says so."""
    if end - at < 12:
        return -_BAD_LINK_HEADER, 0
    frame_type = (octet(buffer, at + 10) >> 2) & 0x1F
    if octet(buffer, at + 11) & 1 != 0:
        at += 8
    at += 12
    if frame_type == 0:
        return at, ETHERNET
    if frame_type == 2:
        return _of_ip(buffer, at, end)
    return -_ENCAPSULATED, 0
