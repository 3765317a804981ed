"""Fixtures for everything that tests want from outside, and how hard hypothesis looks.

`pytest --hypothesis-profile=deep` looks for longer; it is for a night, not for every change.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import hypothesis
import pytest

from tests.support import outside
from tests.support.kafka.broker import KafkaBroker
from tests.support.kafka.jars import KafkaMissingError

# The first call of a kernel compiles it, so no deadline. In continuous integration examples are
# the same on every run: a failure belongs to the change at hand.
hypothesis.settings.register_profile(
    "default",
    deadline=None,
    max_examples=60,
    derandomize=outside.is_everything_required() or "CI" in os.environ,
)
hypothesis.settings.register_profile("deep", deadline=None, max_examples=5_000)
hypothesis.settings.load_profile("default")


@pytest.fixture(scope="session")
def captures() -> Callable[[str], Path]:
    """Path of a third-party capture by file name; skips, or fails, where it is missing."""
    return outside.require_capture


@pytest.fixture(scope="session")
def require_tool() -> Callable[[str], Path]:
    """Path of a program by name; skips, or fails, where it is missing."""
    return outside.require_tool


@pytest.fixture(scope="session")
def tshark() -> Path:
    return outside.require_tool("tshark")


@pytest.fixture(scope="session")
def iodine() -> Path:
    """The iodine client, with everything that `tests/data/record_iodine.sh` needs beside it."""
    for tool in ("iodined", "ip", "tcpdump"):
        outside.require_tool(tool)
    if os.geteuid() != 0 or not Path("/dev/net/tun").exists():
        outside.report_missing("a tunnel needs root, for network namespaces, and /dev/net/tun")
    return outside.require_tool("iodine")


@pytest.fixture(scope="session")
def demo_capture() -> Path:
    """The shipped capture: a real iodine session (`tests/data/README.md`)."""
    return outside.SHIPPED_CAPTURES / "iodine-null.pcap"


@pytest.fixture(scope="session")
def kafka_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KafkaBroker]:
    """A real Apache Kafka broker that runs; who stops or freezes it lets it run again."""
    yield from _running_broker(tmp_path_factory.mktemp("kafka"))


@pytest.fixture
def fresh_kafka_broker(tmp_path: Path) -> Iterator[KafkaBroker]:
    """One that has no topics yet, for who uses the names that the services use."""
    yield from _running_broker(tmp_path)


def _running_broker(folder: Path) -> Iterator[KafkaBroker]:
    try:
        broker = KafkaBroker(folder)
    except KafkaMissingError as error:
        outside.report_missing(str(error))
    broker.start()
    yield broker
    broker.close()
