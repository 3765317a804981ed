import os
from pathlib import Path

import numpy as np
import pytest

from geophone_capture.kernels.records import LONGEST_RECORD_BYTES
from geophone_capture.regions import MAX_PACKETS, MAX_REGIONS, Regions
from geophone_shared.errors import ConfigError


@pytest.mark.parametrize(("count", "slice_bytes"), [(1, 1), (3, 4 << 20), (40, 1 << 20)])
def test_regions_do_not_overlap(count: int, slice_bytes: int) -> None:
    regions = Regions(count, slice_bytes)
    taken = [regions.take() for _ in range(count)]
    used = np.zeros(regions.buffer.size, np.uint8)
    for region in taken:
        assert region.stop - region.start >= region.slice_bytes + 2 * LONGEST_RECORD_BYTES
        used[region.start : region.stop] += 1
        region.packets["link"] = region.number
    assert used.max() == 1
    for region in taken:
        rows = regions.packets[region.first_row : region.first_row + region.packets.size]
        assert (rows["link"] == region.number).all()
        assert 2 <= rows.size <= MAX_PACKETS


def test_the_largest_free_region_is_given_again() -> None:
    regions = Regions(20, 4 << 20)
    taken = [regions.take() for _ in range(20)]
    assert [region.slice_bytes for region in taken] == [4 << 20] * 16 + [256 << 10] * 4
    regions.give_back(taken[19])
    regions.give_back(taken[3])
    assert regions.take() is taken[3]
    assert regions.take() is taken[19]


def resident_bytes() -> int:
    pages = Path("/proc/self/statm").read_text().split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


def test_memory_is_used_when_it_is_written() -> None:
    before = resident_bytes()
    regions = Regions(MAX_REGIONS, 4 << 20)
    assert regions.buffer.nbytes > 1 << 30
    assert resident_bytes() - before < 16 << 20
    for _ in range(64):
        regions.buffer[regions.take().start] = 1
    assert resident_bytes() - before < 16 << 20


def test_as_many_files_may_be_open_as_there_are_regions() -> None:
    regions = Regions(MAX_REGIONS + 1, 1_000)
    for _ in range(MAX_REGIONS):
        regions.take()
    with pytest.raises(ConfigError, match="more than 1,024 of the captures overlap in time"):
        regions.take()
