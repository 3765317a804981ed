"""What the faults are done to: a stream with twenty tunnels, and how often (`GEOPHONE_SOAK_…`)."""

import os
from pathlib import Path

import pytest

from tests.support.twenty_tunnels import write_stream

ROUNDS = int(os.environ.get("GEOPHONE_SOAK_ROUNDS", "1"))
"""Of each fault that falls at random moments."""
FIRST_SEED = int(os.environ.get("GEOPHONE_SOAK_SEED", "1"))
"""Of the first round; a failure names its seed."""


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Whoever asks for a `seed` runs once a round."""
    if "seed" in metafunc.fixturenames:
        metafunc.parametrize("seed", range(FIRST_SEED, FIRST_SEED + ROUNDS))


@pytest.fixture(scope="session")
def stream(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The capture with twenty tunnels."""
    path = tmp_path_factory.mktemp("stream") / "tunnels.pcap"
    write_stream(path)
    return path
