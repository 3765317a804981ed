"""What is released: built from the source distribution, and installed where nothing else is."""

import re
import subprocess
import sys
import tarfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

import pytest

from geophone_shared import __version__
from tests.support.outside import PROJECT, report_missing
from tests.support.service_processes import clean_environment

_COMPLETION = "share/bash-completion/completions/geophone"


def run(*command: str | Path, folder: Path = PROJECT) -> "subprocess.CompletedProcess[str]":
    """Runs a program without the tests' own modules on Python's path."""
    environment = clean_environment() | {"PYTHONNOUSERSITE": "1", "NUMBA_DISABLE_JIT": "1"}
    environment.pop("PYTHONPATH", None)
    return subprocess.run(
        command, cwd=folder, env=environment, check=False, capture_output=True, text=True
    )


def built(kind: str, source: Path, into: Path) -> Path:
    """The file that hatchling makes of a tree."""
    done = run(sys.executable, "-m", "hatchling", "build", "-t", kind, "-d", into, folder=source)
    assert done.returncode == 0, done.stderr
    [file] = into.iterdir()
    return file


@pytest.fixture(scope="module")
def sdist(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The source distribution, unpacked."""
    folder = tmp_path_factory.mktemp("sdist")
    with tarfile.open(built("sdist", PROJECT, folder / "built")) as archive:
        archive.extractall(folder, filter="data")
    return folder / f"geophone-{__version__}"


@pytest.fixture(scope="module")
def wheel(sdist: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel, built from the source distribution."""
    return built("wheel", sdist, tmp_path_factory.mktemp("wheel") / "built")


@dataclass(frozen=True)
class Installed:
    """An environment with the wheel and what the lock names, and nothing else."""

    folder: Path

    @property
    def command(self) -> Path:
        return self.folder / "bin" / "geophone"


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Installed:
    folder = tmp_path_factory.mktemp("environment")
    assert run(sys.executable, "-m", "venv", folder).returncode == 0
    pip = (folder / "bin" / "python", "-m", "pip", "--quiet", "--disable-pip-version-check")
    lock = PROJECT / "requirements.lock"
    done = run(*pip, "install", "--require-hashes", "-r", lock)
    if done.returncode:
        report_missing(f"no index has what requirements.lock names: {done.stderr[-300:]}")
    done = run(*pip, "install", "--no-deps", "--no-index", wheel)
    assert done.returncode == 0, done.stderr
    done = run(*pip, "check")
    assert done.returncode == 0, done.stdout
    return Installed(folder)


def test_the_source_distribution_has_all_that_is_committed(sdist: Path) -> None:
    if not (PROJECT / ".git").exists():
        pytest.skip("this isn't a checkout of git")
    committed = run("git", "ls-files", "--cached").stdout.split("\n")
    wanted = {path for path in filter(None, committed) if (PROJECT / path).exists()}
    assert {path for path in wanted if not (sdist / path).is_file()} == set()


def test_its_wheel_is_that_of_the_tree(wheel: Path, tmp_path: Path) -> None:
    def content(path: Path) -> dict[str, int]:
        with zipfile.ZipFile(path) as archive:
            return {member.filename: member.CRC for member in archive.infolist()}

    assert content(wheel) == content(built("wheel", PROJECT, tmp_path / "built"))
    assert wheel.name == f"geophone-{__version__}-py3-none-any.whl"


def test_the_version_stands_in_one_place() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", __version__)
    assert __version__ not in (PROJECT / "pyproject.toml").read_text(encoding="utf-8")
    changes = (PROJECT / "CHANGELOG.md").read_text(encoding="utf-8")
    newest = re.findall(r"^## \[(.+?)\]", changes, re.MULTILINE)[0]
    assert newest in {"Unreleased", __version__}


def test_what_is_installed_works(installed: Installed, demo_capture: Path, tmp_path: Path) -> None:
    done = run(installed.command, "--version", folder=tmp_path)
    assert (done.returncode, done.stdout) == (0, f"geophone {__version__}\n")
    done = run(installed.command, "replay", demo_capture, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Tunnel suspected: tunnel.example\n")
    for service in ("run", "capture", "detector", "alerter"):
        assert run(installed.command, service, "--help", folder=tmp_path).returncode == 0
    # All modules can be imported: nothing of the tests or of the tree is needed.
    walk = (
        "import pkgutil, importlib\n"
        "for name in ('geophone', 'geophone_capture', 'geophone_detector', 'geophone_alerter',"
        " 'geophone_shared'):\n"
        "    package = importlib.import_module(name)\n"
        "    for found in pkgutil.walk_packages(package.__path__, name + '.'):\n"
        "        if not found.name.endswith('__main__'):\n"
        "            importlib.import_module(found.name)\n"
        "print(package.__file__)\n"
    )
    done = run(installed.folder / "bin" / "python", "-c", walk, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    assert Path(done.stdout.strip()).is_relative_to(installed.folder)


@pytest.mark.parametrize(
    ("words", "completed"),
    [
        (("geophone", "re"), ["replay"]),
        (("geophone", "alerts", "test"), ["test-email"]),
        (("geophone", "top", "--win"), ["--window"]),
        (("geophone", "top", "--window", ""), ["10m", "4h", "24h"]),
    ],
)
def test_bash_completes(
    installed: Installed, tmp_path: Path, words: tuple[str, ...], completed: list[str]
) -> None:
    script = (
        'source "$1"; COMP_WORDS=("${@:3}"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); '
        '_geophone_completion "$2"; printf "%s\\n" "${COMPREPLY[@]}"'
    )
    file = installed.folder / _COMPLETION
    done = run("bash", "-c", script, "bash", file, installed.command, *words, folder=tmp_path)
    assert (done.stdout.split(), done.stderr) == (completed, "")
