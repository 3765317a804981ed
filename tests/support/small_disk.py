"""A disk of a few MiB that a test fills and empties."""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import outside


class SmallDisk:
    """A file system of its own at `folder`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._ballast = folder / "ballast"

    def fill(self) -> None:
        """Leave no room."""
        with self._ballast.open("ab", buffering=0) as file:
            try:
                while True:
                    file.write(b"\0" * 4096)
            except OSError:
                return

    def make_room(self) -> None:
        """Take away what `fill` has put there."""
        self._ballast.unlink()


@contextmanager
def mounted_disk(folder: Path, size_mib: int) -> Iterator[SmallDisk]:
    """Mounts one; skips, or fails where nothing may be skipped, without the right to."""
    folder.mkdir()
    if os.geteuid() != 0:
        outside.report_missing("a small disk needs root, to mount it")
    mount = ["mount", "-t", "tmpfs", "-o", f"size={size_mib}m", "tmpfs", str(folder)]
    done = subprocess.run(mount, capture_output=True, text=True, check=False)
    if done.returncode != 0:
        outside.report_missing(f"a small disk can't be mounted: {done.stderr.strip()}")
    try:
        yield SmallDisk(folder)
    finally:
        subprocess.run(["umount", "--lazy", str(folder)], check=True)
