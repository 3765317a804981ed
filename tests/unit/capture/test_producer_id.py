"""The same captures are the same stream, and nothing else is."""

from dataclasses import replace
from pathlib import Path

import pytest

from geophone_capture.producer_id import BatchOptions, file_fingerprint, producer_id
from geophone_shared.errors import ConfigError

OPTIONS = BatchOptions(partitions=12, batch_rows=2_000, linger_us=None, ports=(53,))
SAMPLE_BYTES = 64 << 10


def files(tmp_path: Path, *contents: bytes) -> list[str]:
    paths = [tmp_path / str(number) for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_bytes(content)
    return [str(path) for path in paths]


def test_it_is_the_same_wherever_the_files_lie_and_forever(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    contents = (b"a" * 200_000, b"b")
    one = producer_id(file_fingerprint(files(tmp_path, *contents)), OPTIONS)
    other = producer_id(file_fingerprint(files(tmp_path / "elsewhere", *contents)), OPTIONS)
    assert one == other
    # Another one would count what is on a log already once more.
    assert producer_id(bytes(64), OPTIONS) == "c1d0b86f02b4023be37a5f2be5fe2ebe"


@pytest.mark.parametrize(
    "contents",
    [
        (b"b", b"a" * 200_000),
        (b"a" * 200_001, b"b"),
        (b"x" + b"a" * 199_999, b"b"),
        (b"a" * 199_999 + b"x", b"b"),
        (b"a" * (200_000 - SAMPLE_BYTES) + b"x" + b"a" * (SAMPLE_BYTES - 1), b"b"),
        (b"a" * 200_000,),
        (b"a" * 200_000, b"b", b""),
    ],
)
def test_sizes_ends_and_order_count(tmp_path: Path, contents: tuple[bytes, ...]) -> None:
    before = file_fingerprint(files(tmp_path, b"a" * 200_000, b"b"))
    assert file_fingerprint(files(tmp_path, *contents)) != before


def test_small_files_do_not_run_into_each_other(tmp_path: Path) -> None:
    one = file_fingerprint(files(tmp_path, b"ab", b"c"))
    assert file_fingerprint(files(tmp_path, b"a", b"bc")) != one


@pytest.mark.parametrize(
    "options",
    [
        replace(OPTIONS, partitions=1),
        replace(OPTIONS, batch_rows=1_999),
        replace(OPTIONS, linger_us=200_000),
        replace(OPTIONS, keep_responses=True),
        replace(OPTIONS, ports=(53, 5353)),
        replace(OPTIONS, shift_us=1),
    ],
)
def test_what_changes_rows_or_batches_counts(options: BatchOptions) -> None:
    assert producer_id(b"f", options) != producer_id(b"f", OPTIONS)


def test_the_order_of_ports_does_not() -> None:
    one, other = (replace(OPTIONS, ports=ports) for ports in ((53, 5353), (5353, 53, 53)))
    assert producer_id(b"f", one) == producer_id(b"f", other)


def test_a_file_that_is_gone_is_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"missing\.pcap can't be read: No such file"):
        file_fingerprint([str(tmp_path / "missing.pcap")])
