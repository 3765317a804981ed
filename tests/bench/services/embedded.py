"""The embedded log alone, and `geophone run` on it, from a capture to its end."""

import asyncio
import resource
import tempfile
import time
from collections.abc import Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from geophone_capture.batching import Batcher
from geophone_shared.batch import decode_batch
from geophone_shared.bus.embedded import open_embedded_bus
from geophone_shared.bus.records import Record, TopicPartition
from geophone_shared.bus.topics import TRANSACTIONS, declared_topics
from tests.bench import pipeline
from tests.bench.services.findings import Finding, Pauses, told
from tests.support.service_processes import ANY_PORT, started

_MOST_ROWS = 1_000_000
_PARTITION = TopicPartition(TRANSACTIONS, 0)


async def measure(folder: Path, capture: Path, rounds: int, pauses: Pauses) -> list[Finding]:
    """The log in this process, and the whole in one of its own."""
    blocks = pipeline.blocks_of(capture)
    packets = sum(len(block.packets) for block in blocks)
    records, rows = _batches(capture)
    appended, read, decoded, whole, inner, cpu_rates = [], [], [], [], [], []
    for _ in range(rounds):
        with tempfile.TemporaryDirectory(dir=folder) as place:
            append_seconds, read_seconds, decode_seconds = await _log(Path(place), records)
            appended.append(rows / append_seconds)
            read.append(rows / read_seconds)
            decoded.append(rows / (read_seconds + decode_seconds))
        with tempfile.TemporaryDirectory(dir=folder) as place:
            seconds, inner_seconds, cpu_seconds = await _run(Path(place), capture, pauses)
            whole.append(packets / seconds)
            inner.append(packets / inner_seconds)
            cpu_rates.append(packets / cpu_seconds)
    how = "one after the other, each on the disk before the next"
    run = "`geophone run --file --speed max --exit-at-end`"
    return [
        Finding("appended", appended, "transactions/s", 1e6, remark=how),
        Finding("read", read, "transactions/s", 5e6),
        Finding("read and decoded", decoded, "transactions/s"),
        Finding(
            f"{run}, the whole process",
            whole,
            "packets/s",
            1e6,
            remark=f"{packets:,} packets; {told(max(cpu_rates))}/s of CPU time",
        ),
        Finding("the same, from the first packet to its end", inner, "packets/s"),
    ]


def _batches(capture: Path) -> tuple[Sequence[Record], int]:
    """The records that a capture publishes, and how many rows they have."""
    batcher = Batcher(1, 2_000, sensor="bench", producer="bench")
    records, rows = [], 0
    for transactions in pipeline.rows_of(pipeline.blocks_of(capture)):
        for batch in batcher.add(transactions):
            records.append(batch.to_record())
            rows += batch.headers.rows
        if rows >= _MOST_ROWS:
            break
    return records, rows


async def _log(folder: Path, records: Sequence[Record]) -> tuple[float, float, float]:
    """Seconds to append the records as a capture does, to read them, and to decode them."""
    async with open_embedded_bus(folder / "log.sqlite") as bus:
        await bus.create_topics(declared_topics(1))
        started_at = time.perf_counter()
        for record in records:
            await bus.append(_PARTITION, record)
        appended_at = time.perf_counter()
        values: list[bytes] = []
        async with bus.reader([_PARTITION]) as reader:
            while len(values) < len(records):
                polled = await reader.poll(5, 64)
                values += [record.value for record in polled[_PARTITION]]
        read_at = time.perf_counter()
    for value in values:
        if value:
            decode_batch(value)
    decoded_seconds = time.perf_counter() - read_at
    return appended_at - started_at, read_at - appended_at, decoded_seconds


async def _run(folder: Path, capture: Path, pauses: Pauses) -> tuple[float, float, float]:
    """Seconds of the whole process, of it from its first packet, and of its CPU time."""
    command = ("run", "--file", str(capture), "--speed", "max", "--exit-at-end")
    used, began_at = _children_seconds(), time.perf_counter()
    async with AsyncExitStack() as stack:
        run = await stack.enter_async_context(
            started(*command, "--http", ANY_PORT, "--data-dir", str(folder))
        )
        await run.until_said("serving")
        await stack.enter_async_context(pauses.of("run", run))
        await run.until_said("reading captures")
        reading_at = time.perf_counter()
        code = await run.ended()
        ended_at = time.perf_counter()
        assert code == 0, run.said[-1]
    await asyncio.sleep(0)
    return ended_at - began_at, ended_at - reading_at, _children_seconds() - used


def _children_seconds() -> float:
    """CPU time of the processes that were started from here and have ended."""
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime
