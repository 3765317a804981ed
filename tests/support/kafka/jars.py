"""Apache Kafka's jars, fetched once from Maven Central into the user's cache folder.

Beside them lies an archive of loaded classes (JEP 350): with it a broker starts in a second.
"""

import os
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
JAVA_OPTIONS = ("-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-Xmx256m")
_FETCH_TIMEOUT_SECONDS = 180


class KafkaMissingError(Exception):
    """There is no Kafka to run here; the message is one sentence that says what to do."""


def require_kafka() -> Path:
    """The folder with `lib/*.jar`; fetched on the first call ever.

    Raises:
        KafkaMissingError: no java, no mvn, or the jars can't be fetched.
    """
    for tool, package in (("java", "default-jre-headless"), ("mvn", "maven")):
        if shutil.which(tool) is None:
            raise KafkaMissingError(
                f"{tool} is not installed; on Debian: apt-get install {package}"
            )
    folder = _cache() / f"kafka-{_version()}"
    if not (folder / "lib").is_dir():
        _fetch(folder)
    return folder


def java(folder: Path, *arguments: str) -> list[str]:
    """The command line of a Java program out of Kafka's jars in `folder`."""
    return [
        "java",
        *JAVA_OPTIONS,
        f"-Dlog4j2.configurationFile={HERE / 'log4j2.properties'}",
        "-cp",
        f"{folder / 'lib'}/*",
        *arguments,
    ]


def _cache() -> Path:
    home = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(home) / "geophone-tests"


def _version() -> str:
    found = re.search(r"<kafka.version>(.+)</kafka.version>", (HERE / "pom.xml").read_text())
    if found is None:
        raise ValueError("no kafka.version in pom.xml")
    return found[1]


def _fetch(folder: Path) -> None:
    """Fetch beside `folder` and rename, so that nobody ever sees a part of it."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder.parent) as scratch:
        command = ["mvn", "--batch-mode", "--quiet", "--file", str(HERE / "pom.xml")]
        command += ["dependency:copy-dependencies", "-DincludeScope=runtime"]
        command += [f"-DoutputDirectory={scratch}/kafka/lib"]
        try:
            subprocess.run(
                command, check=True, capture_output=True, text=True, timeout=_FETCH_TIMEOUT_SECONDS
            )
        except subprocess.CalledProcessError as error:
            reason = next((line for line in error.stdout.splitlines() if "ERROR" in line), "")
            raise KafkaMissingError(
                f"mvn can't fetch Kafka's jars, so check the connection: {reason}"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise KafkaMissingError(
                f"mvn has not fetched Kafka's jars in {_FETCH_TIMEOUT_SECONDS} s, "
                "so check the connection"
            ) from error
        if not folder.is_dir():
            (Path(scratch) / "kafka").rename(folder)
