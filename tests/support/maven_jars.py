"""Jars of Maven Central, fetched once into the user's cache folder."""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

_FETCH_TIMEOUT_SECONDS = 180


class JarsMissingError(Exception):
    """The jars can't be had here; the message is one sentence that says what to do."""


def require_jars(pom: Path, name: str) -> Path:
    """The folder with `lib/*.jar`; fetched on the first call ever.

    Args:
        pom: what to fetch; has a property `NAME.version`.
        name: of what the jars are, for the folder and for the message.

    Raises:
        JarsMissingError: no java, no mvn, or the jars can't be fetched.
    """
    for tool, package in (("java", "default-jre-headless"), ("mvn", "maven")):
        if shutil.which(tool) is None:
            raise JarsMissingError(f"{tool} is not installed; on Debian: apt-get install {package}")
    version = re.search(rf"<{name}.version>(.+)</{name}.version>", pom.read_text())
    if version is None:
        raise ValueError(f"no {name}.version in {pom}")
    folder = _cache() / f"{name}-{version[1]}"
    if not (folder / "lib").is_dir():
        _fetch(pom, folder, name.capitalize())
    return folder


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "geophone-tests"


def _fetch(pom: Path, folder: Path, whose: str) -> None:
    """Fetch beside `folder` and rename, so that nobody ever sees a part of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        command = ["mvn", "--batch-mode", "--quiet", "--file", str(pom)]
        command += ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        command += [f"-DoutputDirectory={scratch}/fetched/lib"]
        try:
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_SECONDS
            )
        except subprocess.CalledProcessError as error:
            reason = next((line for line in error.stdout.splitlines() if "ERROR" in line), "")
            raise JarsMissingError(
                f"mvn can't fetch {whose}'s jars, so check the connection: {reason}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise JarsMissingError(
                f"mvn has not fetched {whose}'s jars in {_FETCH_TIMEOUT_SECONDS} s, "
                "so check the connection"
            ) from error
        if not folder.is_dir():
            (Path(scratch) / "fetched").rename(folder)
