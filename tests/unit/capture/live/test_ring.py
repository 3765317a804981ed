import pytest

from geophone_capture.live.packet_socket import RingSize
from geophone_capture.live.ring import RETIRE_MILLISECONDS, ring_size
from geophone_shared.errors import ConfigError


@pytest.mark.parametrize(
    ("ring_bytes", "block_bytes", "blocks"),
    [
        (256 << 10, 64 << 10, 4),
        ((256 << 10) + 1, 64 << 10, 4),
        (1_000_000, 128 << 10, 7),
        (64 << 20, 1 << 20, 64),
        (100_000_000, 1 << 20, 95),
    ],
)
def test_a_ring_is_made_of_blocks(ring_bytes: int, block_bytes: int, blocks: int) -> None:
    size = ring_size(ring_bytes)
    assert size == RingSize(block_bytes, blocks, RETIRE_MILLISECONDS)
    assert size.total_bytes <= ring_bytes


@pytest.mark.parametrize(
    ("ring_bytes", "block_bytes", "blocks"),
    [((64 << 20) - 1, 1 << 20, 63), (64 << 20, 4 << 20, 16), (100_000_000, 4 << 20, 23)],
)
def test_a_large_ring_alone_has_large_blocks(
    ring_bytes: int, block_bytes: int, blocks: int
) -> None:
    size = ring_size(ring_bytes, is_alone=True)
    assert size == RingSize(block_bytes, blocks, RETIRE_MILLISECONDS)


@pytest.mark.parametrize("ring_bytes", [0, -1, (256 << 10) - 1, (4 << 30) + 1])
def test_a_ring_has_limits(ring_bytes: int) -> None:
    with pytest.raises(ConfigError, match="give 262,144 to 4,294,967,296"):
        ring_size(ring_bytes)
