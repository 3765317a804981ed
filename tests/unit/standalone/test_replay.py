"""`geophone.replay.replay` as a function: options, allow lists, progress, Ctrl-C."""

import gzip
import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import zstandard

from geophone.replay import Progress, ReplayOptions, replay
from geophone_detector.capacities import Capacities
from geophone_detector.detector import Detector
from geophone_detector.rules import Rule
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.suffixes import SuffixTable
from geophone_shared.timestamps import parse_rfc3339
from tests.support.reports import packets_in


@pytest.fixture
def options(demo_capture: Path) -> ReplayOptions:
    return ReplayOptions(files=(str(demo_capture),))


def _run(options: ReplayOptions) -> dict[str, Any]:
    return replay(options, None)


def test_every_packet_is_counted_once(options: ReplayOptions) -> None:
    report = _run(options)
    assert report["capture"]["packets"] == packets_in(report) > 0


def test_on_other_ports_there_is_no_dns(options: ReplayOptions) -> None:
    report = _run(replace(options, ports=(5353,)))
    assert report["transactions"]["total"] == 0
    assert report["not_dns"] == {"other_port": report["capture"]["packets"]}


def test_an_allow_list_of_ones_own_marks_the_alerts(options: ReplayOptions, tmp_path: Path) -> None:
    allow_list = tmp_path / "allow.txt"
    allow_list.write_text("# ours\n*.example  # all of it\n", encoding="utf-8")
    report = _run(replace(options, allow_list_file=str(allow_list)))
    assert {alert["allowed"] for alert in report["alerts"]} == {True}
    report = _run(replace(options, allow_list_file=str(allow_list), use_allow_list=False))
    assert {alert["allowed"] for alert in report["alerts"]} == {False}


def test_the_key_is_made_of_the_inputs_start_unpacked(
    options: ReplayOptions, demo_capture: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[SecretKey] = []

    def note(
        rules: tuple[Rule, ...],
        allow_list: SuffixTable,
        secret: SecretKey,
        cap: int,
        capacities: Capacities,
    ) -> Detector:
        used.append(secret)
        return Detector(rules, allow_list, secret, cap, capacities)

    monkeypatch.setattr("geophone.replay.Detector", note)
    content = demo_capture.read_bytes()
    assert len(content) > 65_536
    packed, other, little = tmp_path / "x.gz", tmp_path / "y.zst", tmp_path / "z"
    packed.write_bytes(gzip.compress(content))
    other.write_bytes(zstandard.compress(content[:65_536] + content[24:]))
    little.write_bytes(content[:24])
    for files in ([packed], [other], [packed, little], [little, packed]):
        _run(replace(options, files=tuple(map(str, files))))
    start = SecretKey.derived_from(content[:65_536])
    after_little = SecretKey.derived_from(content[:24] + content[: 65_536 - 24])
    assert used == [start, start, start, after_little]
    _run(replace(options, secret=SecretKey.from_bytes(bytes(16))))
    assert used[-1] == SecretKey.from_bytes(bytes(16))


def test_an_entry_finer_than_the_domain_makes_a_row_of_its_own(
    options: ReplayOptions, tmp_path: Path
) -> None:
    allow_list = tmp_path / "allow.txt"
    allow_list.write_text("t.tunnel.example\n", encoding="utf-8")
    (top,) = _run(replace(options, allow_list_file=str(allow_list)))["top_domains"]
    assert top["registered_domain"] == "t.tunnel.example"
    assert top["allowed"]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (None, "can't be read: No such file or directory"),
        (b"\xff\xfe", "isn't UTF-8 text"),
        (b"example.com\na..b\n", "line 2: "),
    ],
)
def test_what_is_wrong_with_an_allow_list_is_one_sentence(
    options: ReplayOptions, tmp_path: Path, content: bytes | None, reason: str
) -> None:
    allow_list = tmp_path / "allow.txt"
    if content is not None:
        allow_list.write_bytes(content)
    with pytest.raises(ConfigError, match=reason):
        _run(replace(options, allow_list_file=str(allow_list)))


def test_progress_ends_at_the_files_end(options: ReplayOptions, demo_capture: Path) -> None:
    seen: list[Progress] = []
    report = replay(options, seen.append)
    capture: Any = report["capture"]
    size_bytes = demo_capture.stat().st_size
    assert seen[-1] == Progress(capture["packets"], size_bytes, size_bytes)


def test_ctrl_c_ends_with_what_was_found_until_then(options: ReplayOptions) -> None:
    def interrupt(_: Progress) -> None:
        raise KeyboardInterrupt

    report: Any = replay(options, interrupt)
    assert report["interrupted"]
    assert report["transactions"]["total"] > 0
    assert report["alerts"]


def test_a_reached_exact_cap_is_said(options: ReplayOptions) -> None:
    report = _run(replace(options, exact_cap_names=250))
    (top,) = report["top_domains"]
    assert not top["exact"]
    assert top["unique_hostnames_lower"] <= 340 <= top["unique_hostnames_upper"]  # the true count
    assert top["unique_hostnames_upper"] <= 360
    assert report["detector"]["domains_sketched"] == 1
    assert any("more than 250 hostnames" in warning for warning in report["warnings"])


def test_without_a_sketch_the_cap_is_a_lower_bound_and_said_to_be(options: ReplayOptions) -> None:
    report = _run(replace(options, exact_cap_names=250, sketch_budget_bytes=0))
    (top,) = report["top_domains"]
    assert (top["unique_hostnames"], top["unique_hostnames_lower"]) == (250, 250)
    assert not top["exact"]
    assert top["unique_hostnames_upper"] >= 340
    assert report["detector"]["names_at_cap"] == 90
    assert any("no sketch was left" in warning for warning in report["warnings"])


def test_a_window_that_is_not_counted_is_refused(options: ReplayOptions) -> None:
    with pytest.raises(ConfigError, match="is not a window"):
        _run(replace(options, window_seconds=60))


def test_a_pipe_is_measured_by_the_clock_as_it_comes_and_a_file_by_the_clock_at_the_start(
    options: ReplayOptions, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As if the capture were being recorded now, a minute before its first packet at the start."""
    first_us = parse_rfc3339(_run(options)["capture"]["first"])
    clock_us = iter(range(first_us - 70_000_000, first_us + 10_000_000_000, 70_000_000))
    monkeypatch.setattr("geophone.replay.time.time_ns", lambda: next(clock_us) * 1000)
    assert _run(options)["detector"]["future_rows"] == 340
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    clock_us = iter(range(first_us - 70_000_000, first_us + 10_000_000_000, 70_000_000))
    with ThreadPoolExecutor() as pool:
        writing = pool.submit(pipe.write_bytes, Path(options.files[0]).read_bytes())
        report = _run(replace(options, files=(str(pipe),)))
        writing.result()
    assert report["detector"]["future_rows"] == 0
