"""Having all stages loaded, their kernels compiled, before there is work [shell].

Once compiled, a kernel still takes some 20 ms to load, in which nothing else runs.
"""

import io
import struct

from geophone_capture.batching import Batcher
from geophone_capture.decoder import TransactionDecoder
from geophone_capture.decoder_warming import compile_kernels
from geophone_capture.inputs import STANDARD_INPUT
from geophone_capture.live.warming import compile_ring_kernels
from geophone_capture.registered_domains import domain_finder
from geophone_capture.sources import CaptureStream
from geophone_capture.stages import Stages
from geophone_shared.hashing import KEY_BYTES, SecretKey

_RAW_IP = 101
_PCAP_HEADER = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65_535, _RAW_IP)
_PCAPNG = struct.pack("<IIIHHqI", 0x0A0D0D0A, 28, 0x1A2B3C4D, 1, 0, -1, 28)  # a section's header
_QUERY = bytes.fromhex(
    "4500003b 00000000 40110000 7f000001 7f000001"  # IPv4
    "3039 0035 0027 0000"  # UDP to port 53
    "0001 0100 0001 0000 0000 0000"
    "0161 076578616d706c65 03636f6d 00 0001 0001"  # a.example.com, A
)


def warm() -> None:
    """Take a query through stages that are thrown away: seconds, the first time."""
    compile_kernels()
    compile_ring_kernels()
    packet = struct.pack("<IIII", 0, 0, len(_QUERY), len(_QUERY)) + _QUERY
    key = SecretKey.from_bytes(bytes(KEY_BYTES))
    stages = Stages(
        TransactionDecoder(key, pending_capacity=8, rows_at_a_time=8),
        Batcher(1, 8, sensor="warm", producer="warm"),
        domain_finder(),
        linger_us=None,
        shift_us=0,
    )
    for capture in (_PCAP_HEADER + packet, _PCAPNG):
        with CaptureStream([STANDARD_INPUT], standard_input=io.BytesIO(capture)) as blocks:
            for block in blocks:
                list(stages.take(block))
    list(stages.finish())
