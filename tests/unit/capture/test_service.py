"""The capture service over a log in memory: the same batches every time, and nothing lost."""

import asyncio
import math
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, BinaryIO

import pytest

from geophone_capture import metrics as families
from geophone_capture.batching import EncodedBatch
from geophone_capture.service import (
    HEALTH_CONDITIONS,
    STAGE,
    Surroundings,
    run_capture,
    sensor_name,
)
from geophone_capture.sources import CaptureStream
from geophone_shared.batch import decode_batch
from geophone_shared.errors import ConfigError
from geophone_shared.health import Health
from geophone_shared.metrics.registry import Metrics
from geophone_shared.settings.sections import CaptureSettings
from geophone_shared.transactions import ROW
from tests.support.capture_writer import pcap
from tests.support.decoded_rows import Row, create_decoder, decode_capture, rows_of
from tests.support.pipeline import until
from tests.support.published import CuedLog, a_log, published, rows_in

TIME, COMPLETED, OUTCOME = (
    (ROW.names or ()).index(name) for name in ("time_us", "completed_us", "outcome")
)


class Capture:
    """A capture service and its surroundings; the wait for a time moves the clock there."""

    def __init__(self, log: CuedLog, files: list[str], **settings: Any) -> None:
        self.log = log
        self.settings = CaptureSettings(
            files=tuple(files), **{"exit_at_end": True, "batch_rows": 50} | settings
        )
        self.metrics = Metrics(families.FAMILIES, {"interface": families.INPUTS, "stage": (STAGE,)})
        self.health = Health(HEALTH_CONDITIONS, 0.0)
        self.stop = asyncio.Event()
        self.seconds = 1_000.0
        self.standard_input: BinaryIO | None = None
        self.producers = 0

    async def run(self) -> list[EncodedBatch]:
        """Everything that is on the log after it."""
        around = Surroundings(
            now_us=lambda: 1_700_000_000_000_000,
            monotonic_seconds=lambda: self.seconds,
            wait=self._wait,
            random_bytes=os.urandom,
            host="sensor-7",
            standard_input=self.standard_input,
            replaced_producers=lambda: self.producers,
        )
        async with asyncio.timeout(60):
            await run_capture(self.log, self.settings, self.metrics, self.health, self.stop, around)
        return await published(self.log)

    async def _wait(self, stop: asyncio.Event, seconds: float) -> None:
        await asyncio.sleep(0)
        if not stop.is_set():
            self.seconds += seconds

    def counted(self, series: str) -> float:
        lines = self.metrics.text().decode().splitlines()
        [line] = [line for line in lines if line.startswith(f"geophone_{series} ")]
        return float(line.split()[-1])


@asynccontextmanager
async def running(capture: Capture) -> AsyncIterator[asyncio.Task[list[EncodedBatch]]]:
    async with asyncio.TaskGroup() as tasks:
        yield tasks.create_task(capture.run())


async def test_the_partitions_have_the_rows_of_the_capture(demo_capture: Path) -> None:
    capture = Capture(await a_log(12), [str(demo_capture)])
    batches = await capture.run()
    _, expected = decode_capture(demo_capture)
    rows = rows_in(batches)
    assert [row[0][COMPLETED] for row in rows] == [row.completed_us for row in expected]
    assert [name for _, name in rows] == [row.name for row in expected]
    marks = [batch for batch in batches if batch.headers.is_minute_mark()]
    assert [mark.partition for mark in marks] == list(range(12))
    assert {mark.headers.last_time_us for mark in marks} == {expected[-1].completed_us}
    assert {batch.headers.sensor for batch in batches} == {"sensor-7"}
    assert capture.counted('capture_packets_total{interface="file"}') == 670
    assert capture.counted('capture_messages_total{kind="query"}') == 340
    assert capture.counted('capture_transactions_total{outcome="answered"}') == 330
    assert capture.counted('capture_transactions_total{outcome="unanswered"}') == 10
    assert capture.counted("capture_pending_queries") == 0
    assert capture.counted('producer_batches_total{result="acknowledged"}') == len(batches)
    assert capture.counted("capture_clock_timestamp_seconds") > 1_600_000_000
    assert all(check.is_ok for check in capture.health.readiness(1_000.0))


async def test_responses_are_stored_where_they_are_to_be_kept(demo_capture: Path) -> None:
    without = await Capture(await a_log(1), [str(demo_capture)]).run()
    batches = await Capture(await a_log(1), [str(demo_capture)], keep_responses=True).run()
    assert rows_in(batches) == rows_in(without)
    assert batches[0].headers.producer != without[0].headers.producer
    for batch in batches:
        if batch.headers.is_minute_mark():
            continue
        decoded = decode_batch(batch.value)
        for row, fields in enumerate(decoded.transactions.rows):
            response = decoded.response(row)
            assert len(response or b"") == fields["bytes_out"]
            assert response is None or int.from_bytes(response[:2]) == fields["dns_id"]
    assert decode_batch(without[0].value).responses is None


async def test_every_start_publishes_the_same_batches(demo_capture: Path) -> None:
    once = await Capture(await a_log(3), [str(demo_capture)], speed=50).run()
    again = await Capture(await a_log(3), [str(demo_capture)], speed=50).run()
    assert again == once
    other = await Capture(await a_log(3), [str(demo_capture)]).run()
    assert rows_in(other) == rows_in(once)
    assert other[0].headers.producer != once[0].headers.producer


async def test_a_log_that_fails_and_a_queue_that_is_full_change_nothing(
    demo_capture: Path,
) -> None:
    expected = await Capture(await a_log(3), [str(demo_capture)]).run()
    capture = Capture(await a_log(3), [str(demo_capture)], queue_batches=1)
    capture.log.failures = 5
    assert await capture.run() == expected
    assert capture.counted('producer_batches_total{result="failed"}') == 5


async def test_while_the_log_fails_the_service_is_not_ready(demo_capture: Path) -> None:
    capture = Capture(await a_log(1), [str(demo_capture)])
    capture.log.failures = 10**6
    async with running(capture):
        await capture.log.asked_for(3)
        [check] = capture.health.readiness(1_000.0)
        assert (check.is_ok, check.detail) == (False, "the log did not answer")
        capture.producers = 2
        capture.log.failures = 0
    assert all(check.is_ok for check in capture.health.readiness(1_000.0))
    assert capture.counted("producer_replacements_total") == 2


async def test_a_stop_in_mid_stream_leaves_a_beginning_and_a_restart_the_rest(
    demo_capture: Path,
) -> None:
    expected = await Capture(await a_log(3), [str(demo_capture)], batch_rows=10).run()
    capture = Capture(await a_log(3), [str(demo_capture)], batch_rows=10, queue_batches=4)
    capture.log.is_open.clear()
    async with running(capture):
        await capture.log.asked_for(1)
        capture.stop.set()
        capture.log.is_open.set()
    begun = await published(capture.log)
    assert 0 < len(begun) < len(expected)
    # Nothing was closed early: what is there is what the next start will send, too.
    assert [batch for batch in expected if batch in begun] == begun
    assert not any(batch.headers.is_minute_mark() for batch in begun)
    restarted = Capture(capture.log, [str(demo_capture)], batch_rows=10)
    everything = await restarted.run()
    kept = {(batch.partition, batch.headers.sequence): batch for batch in everything}
    assert sorted(kept.values(), key=lambda batch: batch.partition) == expected


async def test_at_a_speed_batches_wait_for_their_time(demo_capture: Path) -> None:
    capture = Capture(await a_log(1), [str(demo_capture)], speed=2)
    batches = await capture.run()
    _, expected = decode_capture(demo_capture)
    seconds = (expected[-1].completed_us - min(row.time_us for row in expected)) / 1_000_000
    assert capture.seconds - 1_000.0 == pytest.approx(seconds / 2, abs=0.001)
    for batch in batches:
        # Unanswered ones complete at the first packet that comes too late for them, dated back.
        completed = [row[0][COMPLETED] for row in rows_in([batch]) if row[0][OUTCOME] == 0]
        assert not completed or completed[-1] - completed[0] < 400_000  # type: ignore[operator] # ints
    assert len(rows_in(batches)) == len(expected)


async def test_shifted_to_now_every_start_is_another_stream(demo_capture: Path) -> None:
    plain = await Capture(await a_log(1), [str(demo_capture)]).run()
    shifted = await Capture(await a_log(1), [str(demo_capture)], shift_to_now=True).run()
    first_us = rows_in(plain)[0][0][TIME]
    assert isinstance(first_us, int)
    shift_us = 1_700_000_000_000_000 - first_us
    assert [row[0][TIME] for row in rows_in(shifted)] == [
        row[0][TIME] + shift_us  # type: ignore[operator] # an int
        for row in rows_in(plain)
    ]
    assert shifted[-1].headers.last_time_us == plain[-1].headers.last_time_us + shift_us
    assert shifted[0].headers.producer != plain[0].headers.producer


@pytest.fixture
def pipe() -> Iterator[tuple[BinaryIO, BinaryIO]]:
    reading, writing = os.pipe()
    with os.fdopen(reading, "rb") as source, os.fdopen(writing, "wb", buffering=0) as sink:
        yield source, sink


@pytest.fixture
def demo_beginning(demo_capture: Path) -> bytes:
    """Less of the capture than a pipe holds; ends inside a packet."""
    return demo_capture.read_bytes()[:60_000]


async def test_standard_input_is_a_stream_of_its_own(demo_capture: Path) -> None:
    expected = await Capture(await a_log(2), [str(demo_capture)]).run()
    producers = set()
    for _ in range(2):
        capture = Capture(await a_log(2), ["-"])
        with demo_capture.open("rb") as capture.standard_input:
            batches = await capture.run()
        assert rows_in(batches) == rows_in(expected)
        producers.add(batches[0].headers.producer)
        assert capture.counted('capture_packets_total{interface="stdin"}') == 670
    assert len(producers) == 2


async def test_a_stop_completes_what_standard_input_has_brought(
    demo_beginning: bytes, pipe: tuple[BinaryIO, BinaryIO]
) -> None:
    capture = Capture(await a_log(2), ["-"], batch_rows=10)
    capture.standard_input, sink = pipe
    async with running(capture):
        sink.write(demo_beginning)
        await capture.log.asked_for(3)
        capture.stop.set()
    batches = await published(capture.log)
    packets = capture.counted('capture_packets_total{interface="stdin"}')
    assert 100 < packets < 670
    assert capture.counted('capture_messages_total{kind="query"}') == len(rows_in(batches))
    assert sum(batch.headers.is_minute_mark() for batch in batches) == 2
    assert capture.counted("capture_damaged_files_total") == 0


@pytest.mark.parametrize("speed", [1.0, math.inf])
async def test_what_a_silent_pipe_has_brought_is_published(
    demo_beginning: bytes, pipe: tuple[BinaryIO, BinaryIO], tmp_path: Path, speed: float
) -> None:
    (tmp_path / "beginning.pcap").write_bytes(demo_beginning)
    decoder = create_decoder()
    expected: list[Row] = []
    with CaptureStream([str(tmp_path / "beginning.pcap")]) as stream:
        for block in stream:
            for transactions in decoder.feed(block):
                expected += rows_of(transactions)

    capture = Capture(await a_log(2), ["-"], speed=speed, linger_seconds=0.05)
    capture.standard_input, sink = pipe
    async with running(capture) as task:
        sink.write(demo_beginning)
        # The pipe stays open, and nothing else comes.

        async def is_published() -> bool:
            return len(rows_in(await published(capture.log))) >= len(expected)

        await until(is_published, "what the pipe has brought is published")
        batches = await published(capture.log)
        assert not task.done()
        assert capture.counted('capture_packets_total{interface="stdin"}') == decoder.packets
        clock_us = capture.counted("capture_clock_timestamp_seconds") * 1e6
        assert clock_us == pytest.approx(decoder.clock_us, abs=1), "it is that of the packets"
        assert sorted(name for _, name in rows_in(batches)) == sorted(row.name for row in expected)
        capture.stop.set()


async def test_a_stop_ends_the_wait_for_an_input_that_never_comes(
    pipe: tuple[BinaryIO, BinaryIO],
) -> None:
    capture = Capture(await a_log(2), ["-"])
    capture.standard_input, _ = pipe
    async with running(capture):
        await asyncio.sleep(0.01)
        capture.stop.set()
    assert await published(capture.log) == []


async def test_a_log_that_refuses_ends_it_also_while_it_waits_for_input(
    demo_beginning: bytes, pipe: tuple[BinaryIO, BinaryIO], monkeypatch: pytest.MonkeyPatch
) -> None:
    capture = Capture(await a_log(1), ["-"], batch_rows=10)
    capture.standard_input, sink = pipe

    async def refuse(*_: object) -> int:
        raise ConfigError("not for you")

    monkeypatch.setattr(capture.log, "append", refuse)
    sink.write(demo_beginning)
    with pytest.raises(ExceptionGroup) as raised:
        await capture.run()
    assert raised.group_contains(ConfigError, match="not for you")


async def test_without_exit_at_end_it_goes_on_until_it_is_stopped(demo_capture: Path) -> None:
    capture = Capture(await a_log(1), [str(demo_capture)], exit_at_end=False)
    async with running(capture) as task:
        await capture.log.asked_for(8)
        for _ in range(50):
            await asyncio.sleep(0)
        assert not task.done()
        capture.stop.set()
    heartbeat = "pipeline_heartbeat_timestamp_seconds"
    assert capture.counted(f'{heartbeat}{{stage="capture"}}') == 1_700_000_000


async def test_a_damaged_capture_is_counted_and_said(
    demo_beginning: bytes, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    damaged = tmp_path / "damaged.pcap"
    damaged.write_bytes(demo_beginning)
    capture = Capture(await a_log(1), [str(damaged)])
    assert rows_in(await capture.run())
    assert capture.counted("capture_damaged_files_total") == 1
    [record] = [record for record in caplog.records if record.msg == "a capture is damaged"]
    assert "damaged.pcap is damaged at byte" in vars(record)["damage"]


async def test_a_capture_without_packets_publishes_nothing(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pcap"
    empty.write_bytes(pcap([]))
    assert await Capture(await a_log(2), [str(empty)]).run() == []


async def test_what_cannot_be_captured_is_said(tmp_path: Path) -> None:
    text = tmp_path / "notes.txt"
    text.write_bytes(b"this is no capture")
    for files, message in (
        ([str(text)], "is not a capture file"),
        ([str(tmp_path / "missing.pcap")], "No such file"),
        ([], "no capture file was named"),
    ):
        with pytest.raises(ExceptionGroup) as raised:
            await Capture(await a_log(1), files).run()
        assert raised.group_contains(ConfigError, match=message)
    with pytest.raises(ConfigError, match="run `geophone topics create`"):
        await Capture(CuedLog(), [str(text)]).run()


@pytest.mark.parametrize(
    ("setting", "host", "expected"),
    [
        (None, "sensor-7", "sensor-7"),
        (None, "", "capture"),
        (None, "büro", "capture"),
        ("mirror:eth0", "sensor-7", "mirror:eth0"),
    ],
)
def test_a_sensor_is_called_as_its_machine(setting: str | None, host: str, expected: str) -> None:
    assert sensor_name(setting, host) == expected


@pytest.mark.parametrize("setting", ["two words", "büro", "x" * 256])
def test_a_sensor_that_records_cannot_hold_is_refused(setting: str) -> None:
    with pytest.raises(ConfigError, match=r"capture\.sensor"):
        sensor_name(setting, "sensor-7")
