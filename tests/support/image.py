"""The image without a container engine: its folder, and programs that run as in a container."""

import re
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from tests.support.outside import PROJECT

DOCKERFILE = PROJECT / "deploy" / "docker" / "Dockerfile"
PROGRAMS = "/opt/geophone/bin"
NET_RAW = "-all,+net_raw"
NOTHING = "-all"

_UNSHARE = ("unshare", "--mount", "--propagation", "private")
_USER = 65532
_INPUT = "/input"


@dataclass(frozen=True, slots=True)
class Image:
    """An image that is installed.

    Attributes:
        folder: What it is in; others may look into it.
    """

    folder: Path

    def command(
        self,
        *command: str,
        capabilities: str = NOTHING,
        runtime: Literal["docker", "kubernetes"] = "kubernetes",
    ) -> list[str]:
        """The command line that runs a command as in a container.

        Args:
            command: with the paths of the image.
            capabilities: `NET_RAW` or `NOTHING`.
            runtime: whose ways with capabilities.
        """
        return [
            *(*_UNSHARE, str(PROJECT / "tests" / "support" / "enter_image.sh")),
            *(str(self.folder / "root"), str(self.folder / "opt" / "geophone"), str(self.folder)),
            *(sys.base_prefix, runtime, capabilities, *command),
        ]

    def run(self, *command: str, capabilities: str = NOTHING) -> "subprocess.CompletedProcess[str]":
        """Runs a command to its end."""
        return subprocess.run(
            self.command(*command, capabilities=capabilities),
            check=False,
            capture_output=True,
            text=True,
            env=environment(),
            timeout=60,
        )

    def show(self, file: Path) -> str:
        """Where programs see a file, for reading."""
        shutil.copy(file, self.folder / "input")
        return f"{_INPUT}/{file.name}"


def install(folder: Path) -> Image:
    """Does what the Dockerfile does, into an empty folder; wants to be root."""
    folder.chmod(0o755)
    for name in ("opt", "root", "input"):
        (folder / name).mkdir(mode=0o755)
    for name in ("cache", "data", "tmp"):
        (folder / name).mkdir(mode=0o700)
        shutil.chown(folder / name, _USER, _USER)
    context = _build_context(folder / "context")
    script = context / "deploy" / "docker" / "install.sh"
    python = Path(sys.base_prefix) / "bin" / "python3"
    # Where the image has it, so that the paths in its files are right.
    inside = f'mount --bind "{folder}/opt" /opt && "{script}" /opt/geophone "{python}"'
    done = subprocess.run(
        [*_UNSHARE, "sh", "-c", inside], check=False, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    return Image(folder)


def _build_context(folder: Path) -> Path:
    """What the first stage copies from the project, and no more."""
    first_stage = DOCKERFILE.read_text().split("\nFROM ")[1]
    for copied in re.findall(r"^COPY (.+)$", first_stage, re.MULTILINE):
        *sources, target = copied.split()
        for source in sources:
            path = PROJECT / source
            if path.is_dir():
                shutil.copytree(path, folder / target)
            else:
                (folder / target).mkdir(parents=True, exist_ok=True)
                shutil.copy(path, folder / target)
    return folder


def environment() -> dict[str, str]:
    """That of the image."""
    lines = re.search(r"^ENV ((?:.*\\\n)*.*)$", DOCKERFILE.read_text(), re.MULTILINE)
    assert lines is not None
    return dict(each.split("=", 1) for each in lines[1].replace("\\\n", " ").split())
