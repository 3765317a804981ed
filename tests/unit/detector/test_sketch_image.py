"""Images of registers: DataSketches' own format, and nothing else is let in."""

import numpy as np
import pytest
from datasketches import hll_sketch, hll_union, tgt_hll_type
from hypothesis import given
from hypothesis import strategies as st

from geophone_detector.kernels.sketches import LG_K, RANKS, REGISTERS
from geophone_detector.sketch_image import (
    IMAGE_BYTES,
    Estimate,
    estimate,
    image,
    image_estimate,
    union_image,
)
from geophone_shared.errors import InvalidRecordError
from geophone_shared.jit import Array
from tests.support.sketch_model import model_registers

_HEADER_BYTES = IMAGE_BYTES - REGISTERS
_EMPTY = np.zeros(REGISTERS, np.uint8)


def random_registers(names: int, seed: int = 0) -> Array:
    rng = np.random.default_rng([seed, names])
    return model_registers(rng.integers(0, 1 << 64, names, np.uint64))


REGISTERS_OF = st.builds(
    random_registers, st.sampled_from([0, 1, 50, 4_000, 30_000]), st.integers(0, 1_000)
)


@pytest.mark.parametrize("names", [10_000, 300_000])
def test_it_is_byte_for_byte_what_datasketches_writes(names: int) -> None:
    sketch = hll_sketch(LG_K, tgt_hll_type.HLL_8)
    for number in range(names):
        sketch.update(number)
    union = hll_union(LG_K)
    # The second time its values count as out of order, as ours always do.
    union.update(sketch)
    union.update(sketch)
    written = union.get_result(tgt_hll_type.HLL_8).serialize_compact()
    registers = np.frombuffer(written, np.uint8, REGISTERS, _HEADER_BYTES)
    ours = hll_sketch.deserialize(image(registers))
    assert (ours.tgt_type, ours.lg_config_k) == (tgt_hll_type.HLL_8, LG_K)
    # It keeps the estimate of values that came in order; nothing reads that any more.
    assert image(registers)[:8] + image(registers)[16:] == written[:8] + written[16:]
    assert estimate(registers).value == round(union.get_estimate())


@pytest.mark.parametrize("names", [1, 40, 1_200, 20_000])
def test_the_estimate_is_near_and_the_image_has_the_same(names: int) -> None:
    registers = random_registers(names)
    found = estimate(registers)
    assert found.lower <= names <= found.upper
    assert abs(found.value - names) <= 0.03 * names
    assert image_estimate(image(registers)) == found


def test_no_registers_are_no_names() -> None:
    assert estimate(_EMPTY) == Estimate(0, 0, 0)


def test_the_largest_registers_have_an_estimate() -> None:
    found = estimate(np.full(REGISTERS, RANKS, np.uint8))
    assert found.value > 10**10
    assert found.lower < found.value < found.upper


@given(st.lists(st.integers(0, RANKS), min_size=1, max_size=40))
def test_the_bounds_enclose_the_estimate(pattern: list[int]) -> None:
    found = estimate(np.resize(np.array(pattern, np.uint8), REGISTERS))
    assert found.lower <= found.value <= found.upper


@given(st.lists(REGISTERS_OF, max_size=4))
def test_a_union_is_the_larger_of_each_register(parts: list[Array]) -> None:
    expected = np.maximum.reduce([_EMPTY, *parts])
    assert union_image(image(each) for each in parts) == image(expected)


def test_a_union_of_halves_counts_the_whole() -> None:
    hashes = np.random.default_rng(1).integers(0, 1 << 64, 30_000, np.uint64)
    # They overlap: 10,000 names are in both.
    halves = [model_registers(hashes[:20_000]), model_registers(hashes[10_000:])]
    union = union_image(image(each) for each in halves)
    assert union == image(model_registers(hashes))
    assert image_estimate(union).lower <= 30_000 <= image_estimate(union).upper


def assert_refused(data: bytes) -> None:
    with pytest.raises(InvalidRecordError, match=r"^sketch_image$"):
        image_estimate(data)
    with pytest.raises(InvalidRecordError, match=r"^sketch_image$"):
        union_image([image(random_registers(50)), data])


@pytest.mark.parametrize("length", [0, 1, 7, 8, _HEADER_BYTES, IMAGE_BYTES - 1])
def test_a_truncated_image_is_refused(length: int) -> None:
    assert_refused(image(random_registers(4_000))[:length])


def test_an_image_with_more_behind_it_is_refused() -> None:
    assert_refused(image(random_registers(4_000)) + b"\0")


@given(REGISTERS_OF, st.integers(0, IMAGE_BYTES - 1), st.integers(1, 255))
def test_an_image_with_any_byte_changed_is_refused(
    registers: Array, position: int, change: int
) -> None:
    data = bytearray(image(registers))
    data[position] ^= change
    assert_refused(bytes(data))


@given(REGISTERS_OF, st.integers(0, _HEADER_BYTES - 1), st.integers(1, 255))
def test_an_image_with_any_byte_of_its_header_changed_is_refused(
    registers: Array, position: int, change: int
) -> None:
    data = bytearray(image(registers))
    data[position] ^= change
    assert_refused(bytes(data))


@given(st.binary(max_size=64), st.integers(0, 255))
def test_any_other_bytes_are_refused(start: bytes, filler: int) -> None:
    assert_refused(start.ljust(IMAGE_BYTES, bytes([filler])))


def test_what_crashes_datasketches_never_gets_there() -> None:
    # Exceptions in an image of a kind that has none: datasketches 5.2.0 frees memory twice.
    data = bytearray(image(random_registers(4_000)))
    data[4] = 10
    data[36] = 1
    assert_refused(bytes(data))
    assert_refused(bytes(data) + bytes(4_096))


def test_other_sketches_of_datasketches_are_refused() -> None:
    for lg_k, kind in ((LG_K, tgt_hll_type.HLL_4), (LG_K, tgt_hll_type.HLL_8), (8, None)):
        sketch = hll_sketch(lg_k, kind) if kind else hll_sketch(lg_k)
        assert_refused(sketch.serialize_compact())
        for number in range(5_000):
            sketch.update(number)
        assert_refused(sketch.serialize_compact())
