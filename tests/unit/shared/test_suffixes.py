"""Tables of suffixes: how they are built, and kept in the cache folder."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from geophone_shared import suffixes
from geophone_shared.errors import ConfigError, InvalidRecordError
from geophone_shared.kernels import domains
from geophone_shared.names import wire_name
from geophone_shared.suffixes import SuffixTable, compile_suffix_set, load_suffixes


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder that tables are kept in; it does not exist yet."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "geophone"


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[bool]:
    """`include_private` of each time that the rules are asked for; three rules stand for all."""
    asked: list[bool] = []

    def rules(*, include_private: bool) -> list[str]:
        asked.append(include_private)
        return ["com", "co.uk", *(["duckdns.org"] if include_private else [])]

    monkeypatch.setattr(suffixes, "_public_suffix_rules", rules)
    return asked


def is_same(one: SuffixTable, other: SuffixTable) -> bool:
    return np.array_equal(one.slots, other.slots) and np.array_equal(one.labels, other.labels)


def files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if not path.name.startswith("kernels-"))


def test_a_table_is_at_most_half_full_and_ready_for_kernels() -> None:
    table = load_suffixes()
    size = len(table.slots)
    assert size & (size - 1) == 0
    assert np.count_nonzero(table.slots["key"]) <= size // 2
    for array in (table.slots, table.labels):
        assert array.flags.c_contiguous
        assert array.flags.writeable
    assert table.slots.dtype == domains.SUFFIX_SLOT
    assert table.labels.dtype == np.uint8


def test_the_kept_table_is_the_compiled_one(cache: Path) -> None:
    compiled = load_suffixes()
    assert len(files(cache)) == 1
    kept = load_suffixes()
    assert is_same(compiled, kept)
    assert kept.slots.flags.writeable
    assert kept.labels.flags.writeable


def test_tldextract_is_imported_only_to_compile(cache: Path) -> None:
    """It costs 0.1 s, as long as everything else together."""
    program = (
        "import sys; from geophone_shared.suffixes import load_suffixes; load_suffixes();"
        "print('tldextract' in sys.modules)"
    )
    for expected in ("True", "False"):
        run = subprocess.run(
            [sys.executable, "-c", program], check=True, capture_output=True, text=True
        )
        assert run.stdout.strip() == expected
    assert len(files(cache)) == 1


@pytest.mark.usefixtures("cache")
def test_rules_are_asked_for_once(compilations: list[bool]) -> None:
    load_suffixes()
    load_suffixes()
    assert compilations == [True]


@pytest.mark.usefixtures("cache")
def test_private_rules_have_a_table_of_their_own(compilations: list[bool]) -> None:
    with_private = load_suffixes()
    without = load_suffixes(include_private=False)
    assert compilations == [True, False]
    assert not is_same(with_private, without)
    assert is_same(load_suffixes(include_private=False), without)


@pytest.mark.parametrize("kept_bytes", [0, 7, 16, 60, 200, -1])
def test_a_file_that_was_cut_is_compiled_again(
    cache: Path, compilations: list[bool], kept_bytes: int
) -> None:
    table = load_suffixes()
    (path,) = files(cache)
    whole = path.read_bytes()
    path.write_bytes(whole[:kept_bytes])
    assert is_same(load_suffixes(), table)
    assert path.read_bytes() == whole
    assert len(compilations) == 2


def test_a_file_with_one_other_byte_is_compiled_again(
    cache: Path, compilations: list[bool]
) -> None:
    table = load_suffixes()
    (path,) = files(cache)
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 1
    path.write_bytes(content)
    assert is_same(load_suffixes(), table)
    assert len(compilations) == 2


def test_without_a_folder_to_write_to_the_table_is_compiled_each_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[bool]
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert is_same(load_suffixes(), load_suffixes())
    assert len(compilations) == 2


def test_a_full_disk_leaves_no_file_behind(
    cache: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[bool]
) -> None:
    def refuse(*_: object) -> None:
        raise OSError

    monkeypatch.setattr(Path, "replace", refuse)
    load_suffixes()
    assert files(cache) == []
    assert compilations == [True]


def test_a_user_without_a_home_does_without_the_cache(
    monkeypatch: pytest.MonkeyPatch, compilations: list[bool]
) -> None:
    def no_home() -> Path:
        raise RuntimeError

    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    monkeypatch.setattr(Path, "home", no_home)
    load_suffixes()
    assert compilations == [True]


def test_another_tldextract_has_another_file(
    cache: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[bool]
) -> None:
    load_suffixes()
    monkeypatch.setattr("importlib.metadata.version", lambda _: "0.0.0")
    load_suffixes()
    assert compilations == [True, True]
    assert len(files(cache)) == 2


def test_the_cache_follows_the_home_of_the_user(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, compilations: list[bool]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "")
    monkeypatch.setenv("HOME", str(tmp_path))
    load_suffixes()
    (path,) = files(tmp_path / ".cache" / "geophone")
    assert os.access(path, os.R_OK)
    assert compilations == [True]


def test_a_set_has_one_table_whatever_its_order_and_case() -> None:
    names = [wire_name(text) for text in ("example.com", "a.long-label.example", "com")]
    shouted = [name.upper() for name in reversed(names)]
    assert is_same(compile_suffix_set(names), compile_suffix_set(shouted))


def test_an_entry_for_the_root_is_refused() -> None:
    with pytest.raises(ConfigError, match="every name"):
        compile_suffix_set([b""])


def test_an_entry_that_is_no_name_is_refused() -> None:
    with pytest.raises(InvalidRecordError):
        compile_suffix_set([b"\x05com"])
