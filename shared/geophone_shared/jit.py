"""How kernels are compiled, and where the compiled code is kept.

A kernel is a plain Python function over numpy arrays and scalars, in a `kernels` folder. `@kernel`
compiles it with numba: bounds-checked (memory-safe on hostile bytes), free of the GIL, cached on
disk. Under `NUMBA_DISABLE_JIT=1` the same source runs interpreted, for coverage and for
differential tests.

numba's own cache looks at one file's time stamp, so it goes stale when a callee in another file
changes. The folder's name therefore holds a digest of the sources, of the numba and numpy
versions and of the flags (docs/adr/0002-kernels-in-numba.md).
"""

import functools
import hashlib
import importlib.util
import os
import shutil
import tempfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar, cast

import numba
import numpy as np
import numpy.typing as npt
from numba.core import config

from geophone_shared.errors import ConfigError

Array = npt.NDArray[Any]
"""An array argument of a kernel; its dtype and shape stand in the kernel's docstring."""

Record = Any
"""One record of a structured array: an argument of a kernel."""

_numba_config: Any = config

_PACKAGES = ("geophone_shared", "geophone_capture", "geophone_detector")
_FLAGS = {
    "boundscheck": True,
    "nogil": True,
    "cache": True,
    "error_model": "numpy",
    # Kernels allocate nothing, so their arrays' references need no counting: half the run time.
    "_nrt": False,
    # Nothing calls them from C: a sixth of the compile time.
    "no_cfunc_wrapper": True,
    # A call would copy every field of every array that it passes on, some hundred bytes for a
    # table, and most kernels have one caller: half the run time of capture's, no compile time.
    "forceinline": True,
}

_ALL_COMPILED = "all-compiled-"
_MOST_VERSIONS = 4  # whose compiled kernels are kept

_Function = TypeVar("_Function", bound=Callable[..., Any])

if TYPE_CHECKING:

    def int64(value: Any) -> int:
        """A 64-bit integer, for numba and for plain numpy alike; an `int` for the type checker."""

else:
    int64 = np.int64


def is_interpreted() -> bool:
    """Whether kernels run as plain Python (`NUMBA_DISABLE_JIT=1`)."""
    return bool(_numba_config.DISABLE_JIT)


def kernel(function: _Function) -> _Function:
    """Compile `function` on its first call, or load it from the cache folder.

    Raises:
        ConfigError: the environment turns bounds checks off (`NUMBA_BOUNDSCHECK=0`).
    """
    return _compiled(function, is_inner=False)


def inner_kernel(function: _Function) -> _Function:
    """As `kernel`, for one that only kernels call: without a way in from Python.

    It compiles faster. Raises as `kernel`.
    """
    return _compiled(function, is_inner=True)


def _compiled(function: _Function, *, is_inner: bool) -> _Function:
    if is_interpreted():

        @functools.wraps(function)
        def interpreted(*arguments: Any) -> Any:
            # 64-bit hashes wrap around on purpose; compiled code does so without a warning.
            with np.errstate(over="ignore"):
                return function(*arguments)

        return cast("_Function", interpreted)
    _prepare_cache()
    flags: dict[str, Any] = _FLAGS | {
        "cache": cache_folder() is not None,
        "no_cpython_wrapper": is_inner,
    }
    return cast("_Function", numba.njit(**flags)(function))


def cache_home() -> Path | None:
    """Geophone's place in the user's cache folder; None for a user without a home."""
    try:
        return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "geophone"
    except RuntimeError:
        return None


@functools.cache
def cache_folder() -> Path | None:
    """The folder with this version's compiled kernels; None where none can be written."""
    home = cache_home()
    if home is None:
        return None
    folder = home / f"kernels-{_digest()}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder):
            return folder
    except OSError:
        return None


def is_compiled(job: str) -> bool:
    """Whether an earlier process compiled all kernels of this job, so that this one starts fast."""
    folder = cache_folder()
    return folder is not None and (folder / f"{_ALL_COMPILED}{job}").exists()


def remember_compiled(job: str) -> None:
    """Note for later processes that all kernels of a job are in the cache."""
    folder = cache_folder()
    if folder is None or is_interpreted() or is_compiled(job):
        return
    with suppress(OSError):
        (folder / f"{_ALL_COMPILED}{job}").touch()
        versions = sorted(folder.parent.glob("kernels-*"), key=lambda each: each.stat().st_mtime)
        for outdated in versions[:-_MOST_VERSIONS]:
            shutil.rmtree(outdated, ignore_errors=True)


@functools.cache
def _prepare_cache() -> None:
    if os.environ.get("NUMBA_BOUNDSCHECK", "1") == "0":
        raise ConfigError(
            "NUMBA_BOUNDSCHECK=0 would let hostile packets read and write outside of arrays; "
            "unset it and start again"
        )
    folder = cache_folder()
    if folder is not None:
        _numba_config.CACHE_DIR = str(folder)


@functools.cache
def _digest() -> str:
    digest = hashlib.blake2b(digest_size=8)
    digest.update(f"{numba.__version__} {np.__version__} {sorted(_FLAGS.items())}".encode())
    for package in _PACKAGES:
        spec = importlib.util.find_spec(package)
        for place in (spec.submodule_search_locations or []) if spec else []:
            # Not the kernels alone: constants of other modules are compiled into them.
            for source in sorted(Path(place).rglob("*.py")):
                digest.update(source.name.encode() + b"\0" + source.read_bytes())
    return digest.hexdigest()
