"""How kernels are compiled and where the compiled code is kept."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from geophone_shared import jit
from geophone_shared.jit import Array, int64, kernel

pytestmark = pytest.mark.kernels


@kernel
def _item(values: Array, index: int) -> int:
    return int64(values[index])


@kernel
def doubled(value: np.uint64) -> np.uint64:
    return value * np.uint64(2)


@pytest.fixture
def cache_home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    jit.cache_folder.cache_clear()
    yield tmp_path
    jit.cache_folder.cache_clear()


def test_a_kernel_can_not_read_past_the_end_of_an_array() -> None:
    with pytest.raises(IndexError):
        _item(np.zeros(3, np.int64), 3)


def test_64_bit_products_wrap_around_without_a_warning() -> None:
    assert int(doubled(np.uint64(2**63 + 1))) == 2


def test_bounds_checks_can_not_be_turned_off() -> None:
    code = "import geophone_capture.kernels.frames"
    environment = os.environ | {"NUMBA_BOUNDSCHECK": "0", "NUMBA_DISABLE_JIT": "0"}
    result = subprocess.run(
        [sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert result.returncode == 1
    assert "ConfigError: NUMBA_BOUNDSCHECK=0 would let hostile packets" in result.stderr


def test_the_cache_lies_in_the_users_cache_folder(cache_home: Path) -> None:
    folder = jit.cache_folder()
    assert folder is not None
    assert folder.parent == cache_home / "geophone"


def test_without_a_writable_folder_there_is_no_cache(
    tmp_path: Path, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert cache_home == tmp_path
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    jit.cache_folder.cache_clear()
    assert jit.cache_folder() is None
    assert not jit.is_compiled("replay")


def test_a_constant_of_another_module_makes_another_cache(
    tmp_path: Path, cache_home: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = tmp_path / "constants_package"
    (package / "kernels").mkdir(parents=True)
    for file in ("__init__.py", "kernels/__init__.py", "kernels/one.py", "reasons.py"):
        (package / file).write_text("ARP = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.setattr(jit, "_PACKAGES", ("constants_package",))

    def folder() -> Path | None:
        jit.cache_folder.cache_clear()
        jit._digest.cache_clear()
        return jit.cache_folder()

    before = folder()
    assert folder() == before
    (package / "reasons.py").write_text("ARP = 2\n")
    after = folder()
    jit._digest.cache_clear()
    assert before is not None
    assert after != before


@pytest.mark.skipif(jit.is_interpreted(), reason="interpreted kernels leave nothing to remember")
def test_kernels_count_as_compiled_when_their_job_was_done(cache_home: Path) -> None:
    for number in range(6):
        outdated = cache_home / "geophone" / f"kernels-{number}"
        outdated.mkdir(parents=True)
        os.utime(outdated, (number, number))
    assert not jit.is_compiled("replay")
    jit.remember_compiled("replay")
    assert jit.is_compiled("replay")
    assert not jit.is_compiled("detector"), "which has others"
    folder = jit.cache_folder()
    assert folder is not None
    kept = {each.name for each in (cache_home / "geophone").iterdir()}
    assert kept == {"kernels-3", "kernels-4", "kernels-5", folder.name}
