"""The secret key decides where names lie in the tables, and nothing that anybody sees."""

from collections.abc import Iterator
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geophone.replay import ReplayOptions, replay
from geophone_shared.hashing import SecretKey
from tests.support.generator.arrivals import Mixture
from tests.support.generator.pcap import pcap_chunks
from tests.support.generator.shapes import ordinary_shapes
from tests.support.generator.tunnels import every_tool

_KEYS = st.binary(min_size=16, max_size=16).map(SecretKey.from_bytes)


@pytest.fixture(scope="module")
def folder() -> Iterator[Path]:
    with TemporaryDirectory() as name:
        yield Path(name)


@settings(max_examples=15)
@given(
    seed=st.integers(0, 1_000),
    seconds=st.integers(1, 120),
    clients=st.sampled_from([2, 50, 5_000]),
    keys=st.tuples(_KEYS, _KEYS),
    window_seconds=st.sampled_from([600, 14_400]),
)
def test_below_the_exact_cap_every_key_gives_the_same_report(
    folder: Path,
    seed: int,
    seconds: int,
    clients: int,
    keys: tuple[SecretKey, SecretKey],
    window_seconds: int,
) -> None:
    mixture = Mixture(
        seed=seed,
        seconds=seconds,
        ordinary_per_second=30,
        tunnels=every_tool(),
        shapes=ordinary_shapes(100),
        clients=clients,
    )
    capture = folder / "mixture.pcap"
    capture.write_bytes(b"".join(pcap_chunks(mixture)))
    # Samples, top clients, estimates of clients and ties are in it, and no domain's names reach
    # the cap.
    reports = [_report(capture, secret, window_seconds) for secret in (None, *keys)]
    assert reports[0] == reports[1] == reports[2]
    assert all(row["exact"] for row in reports[0]["top_domains"])


def _report(capture: Path, secret: SecretKey | None, window_seconds: int) -> dict[str, Any]:
    options = ReplayOptions(
        files=(str(capture),),
        top=1_000,
        window_seconds=window_seconds,
        exact_cap_names=2_000,
        secret=secret,
    )
    report = replay(options, None)
    del report["elapsed_seconds"]
    return report
