"""The capture readers against a plain reader, on structured files and on their mutations."""

import gzip
import io

import pytest
import zstandard
from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.errors import ConfigError
from tests.support import capture_oracle, capture_writer
from tests.support.capture_streams import read_all

pytestmark = pytest.mark.kernels

SLICES = st.sampled_from([1, 7, 64, 1_000, 1 << 20])
ORDERS = st.sampled_from("<>")
DATA = st.binary(max_size=40)
TIMES = st.one_of(
    st.integers(1_700_000_000_000_000, 1_700_000_200_000_000),
    st.integers(0, 2**32 * 1_000_000 - 1),
)


@st.composite
def pcap_files(draw: st.DrawFn) -> bytes:
    return capture_writer.pcap(
        draw(st.lists(st.tuples(TIMES, DATA), max_size=6)),
        order=draw(ORDERS),
        nanoseconds=draw(st.booleans()),
        network=draw(st.sampled_from([1, 113, 276, 0x1234_0001])),
    )


@st.composite
def pcapng_files(draw: st.DrawFn) -> bytes:
    file = b""
    for _ in range(draw(st.integers(1, 3))):
        order = draw(ORDERS)
        file += capture_writer.section(order=order)
        for _ in range(draw(st.integers(0, 8))):
            match draw(st.sampled_from(["interface", "enhanced", "simple", "other"])):
                case "interface":
                    file += capture_writer.interface(
                        order=order,
                        link=draw(st.sampled_from([1, 113, 105])),
                        snaplen=draw(st.sampled_from([0, 5, 65_535])),
                        tsresol=draw(st.none() | st.integers(0, 255)),
                        tsoffset=draw(st.none() | st.integers(-(2**40), 2**40)),
                    )
                case "enhanced":
                    file += capture_writer.enhanced(
                        draw(TIMES | st.integers(0, 2**64 - 1)),
                        draw(DATA),
                        order=order,
                        number=draw(st.integers(0, 2)),
                        options=draw(st.sampled_from([b"", b"\0" * 4])),
                    )
                case "simple":
                    data = draw(DATA)
                    original = draw(st.sampled_from([0, len(data), 70_000, 2**32 - 1]))
                    file += capture_writer.simple(data, order=order, original=original)
                case _:
                    kind = draw(st.sampled_from([2, 4, 5, 10, 0xBAD, 0x80000000]))
                    file += capture_writer.block(kind, draw(st.binary(max_size=80)), order=order)
    return file


FILES = st.one_of(pcap_files(), pcapng_files())


@st.composite
def mutated_files(draw: st.DrawFn) -> bytes:
    """Files with some bytes replaced by ones that matter, some taken out, and the end cut off."""
    file = bytearray(draw(FILES))
    start = 24 if file[0] != 0x0A else 4  # a header that is not read is another test's
    for _ in range(draw(st.integers(0, 3))):
        at = draw(st.integers(start, max(start, len(file) - 1)))
        file[at : at + 1] = draw(st.sampled_from([b"\0", b"\xff", b"\x01", b"\x04", b"", b"\x80"]))
    return bytes(file[: draw(st.integers(start, max(start, len(file))))])


def check(file: bytes, packed: bytes, slice_bytes: int) -> None:
    expected, is_damaged = capture_oracle.read(file)
    if is_damaged and not expected:
        with pytest.raises(ConfigError, match="damaged before its first packet"):
            read_all("-", standard_input=io.BytesIO(packed), slice_bytes=slice_bytes)
        return
    seen, damages = read_all("-", standard_input=io.BytesIO(packed), slice_bytes=slice_bytes)
    assert seen == expected
    assert len(damages) == is_damaged
    for damage in damages:
        assert 0 < damage.offset_bytes <= len(file)


@given(FILES, SLICES)
def test_agrees_with_a_plain_reader(file: bytes, slice_bytes: int) -> None:
    expected, is_damaged = capture_oracle.read(file)
    assert not is_damaged
    seen, damages = read_all("-", standard_input=io.BytesIO(file), slice_bytes=slice_bytes)
    assert seen == expected
    assert not damages


@given(mutated_files(), SLICES)
def test_agrees_with_a_plain_reader_on_mutations(file: bytes, slice_bytes: int) -> None:
    check(file, file, slice_bytes)


@given(mutated_files(), st.sampled_from(["gzip", "zstd"]), st.integers(0, 200))
def test_agrees_on_what_is_packed_in_two_parts(file: bytes, packing: str, border: int) -> None:
    parts = [file[:border], file[border:]]
    pack = gzip.compress if packing == "gzip" else zstandard.ZstdCompressor().compress
    check(file, b"".join(map(pack, parts)), slice_bytes=100)


@given(mutated_files(), SLICES)
def test_damage_does_not_depend_on_slices(file: bytes, slice_bytes: int) -> None:
    def outcome(size: int) -> object:
        try:
            return read_all("-", standard_input=io.BytesIO(file), slice_bytes=size)
        except ConfigError as error:
            return str(error)

    assert outcome(slice_bytes) == outcome(1 << 20)


@given(st.integers(0, 255), st.integers(0, 2**64 - 1), st.integers(-(2**41), 2**41))
def test_time_of_any_resolution_is_exact(tsresol: int, units: int, tsoffset: int) -> None:
    file = (
        capture_writer.section()
        + capture_writer.interface(tsresol=tsresol, tsoffset=tsoffset)
        + capture_writer.enhanced(units, b"")
    )
    check(file, file, slice_bytes=1 << 20)


@given(st.integers(0, 63), st.integers(0, 999_999), st.integers(0, 2**31))
def test_binary_time_at_its_edges_is_exact(digits: int, micros: int, seconds: int) -> None:
    # The first time stamp of a microsecond, and the last of the one before.
    units = -(-((seconds * 1_000_000 + micros) << digits) // 1_000_000)
    stamps = [stamp for stamp in (units - 1, units) if 0 <= stamp < 2**64]
    file = capture_writer.section() + capture_writer.interface(tsresol=0x80 | digits)
    file += b"".join(capture_writer.enhanced(stamp, b"") for stamp in stamps)
    check(file, file, slice_bytes=1 << 20)


@given(st.binary(max_size=60), SLICES)
def test_any_bytes_are_packets_or_an_error_that_says_what_to_do(
    data: bytes, slice_bytes: int
) -> None:
    starts = [b"", b"\xd4\xc3\xb2\xa1", b"\x0a\x0d\x0d\x0a", b"\x1f\x8b", b"\x28\xb5\x2f\xfd"]
    for start in starts:
        try:
            read_all("-", standard_input=io.BytesIO(start + data), slice_bytes=slice_bytes)
        except ConfigError as error:
            assert "; " in str(error)  # noqa: PT017  # most of these are errors, but not all


@given(st.binary(max_size=300), st.integers(0, 400), st.integers(0, 255))
def test_corrupt_packing_never_escapes(data: bytes, at: int, value: int) -> None:
    file = capture_writer.pcap([(0, data), (1, data[:5])])
    expected, _ = capture_oracle.read(file)
    zstd = zstandard.ZstdCompressor(write_checksum=True)
    for packed in (gzip.compress(file), zstd.compress(file)):
        corrupt = bytearray(packed)
        corrupt[min(at, len(packed) - 1)] = value
        try:
            seen, damages = read_all("-", standard_input=io.BytesIO(corrupt))
        except ConfigError:
            continue
        # Both formats have a checksum; a byte that does no harm may also be the one that was hit.
        assert damages or seen == expected
