"""Capture → Kafka → detector as fast as they can, and the pair that sends JSON, in one round."""

import asyncio
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from geophone_capture.packets import PacketBlock
from tests.bench import peers, pipeline
from tests.bench.services import json_pair
from tests.bench.services.findings import Finding, Pauses, told
from tests.bench.services.processes import (
    PARTITIONS,
    broker_with_topics,
    captured_transactions,
    service,
)
from tests.support.kafka.broker import KafkaBroker
from tests.support.pipeline import COUNTED, until
from tests.support.service_processes import ServiceProcess, started

_ALL_PUBLISHED = "everything that was read is on the log, or counted as dropped"
_LONGEST_SECONDS = 600


@dataclass(frozen=True)
class Run:
    """How fast a round was.

    Attributes:
        transactions: how many.
        seconds: from the first packet until all were counted.
        cpu_seconds: of the two processes, without the broker's.
        by_process: the broker's among them.
        disk_bytes: on the broker's disk.
    """

    transactions: int
    seconds: float
    cpu_seconds: float
    by_process: dict[str, float]
    disk_bytes: int

    @property
    def rate(self) -> float:
        """Transactions a second."""
        return self.transactions / self.seconds

    @property
    def cpu_rate(self) -> float:
        """Transactions a second of CPU time of the two processes."""
        return self.transactions / self.cpu_seconds


async def measure(folder: Path, capture: Path, rounds: int, pauses: Pauses) -> list[Finding]:
    """Both in each round."""
    some = folder / "some-for-json.pcap"
    peers.cut(capture, 200_000, some)
    some_rows = _rows_in(pipeline.blocks_of(some))
    ours, theirs = [], []
    for _ in range(rounds):
        async with broker_with_topics() as broker:
            ours.append(await _pipeline(broker, capture, pauses))
            theirs.append(await _json(broker, some, some_rows))
    ratios = [mine.rate / other.rate for mine, other in zip(ours, theirs, strict=True)]
    cpu_ratios = [mine.cpu_rate / other.cpu_rate for mine, other in zip(ours, theirs, strict=True)]
    return [
        Finding(
            "capture → Kafka → detector",
            [run.rate for run in ours],
            "transactions/s",
            800_000,
            remark=_cpu_remark(max(ours, key=lambda run: run.cpu_rate)),
        ),
        Finding(
            "a JSON record each, counted with sets",
            [run.rate for run in theirs],
            "transactions/s",
            remark=_cpu_remark(max(theirs, key=lambda run: run.cpu_rate)),
        ),
        Finding("that is", ratios, "times as fast", 10),
        Finding("by CPU time, without the broker's", cpu_ratios, "times as fast", 10),
        Finding(
            "on the broker's disk",
            [run.disk_bytes / run.transactions for run in ours],
            "bytes/transaction",
            30,
            is_least=False,
            remark=f"JSON: {theirs[0].disk_bytes / theirs[0].transactions:.0f}",
        ),
    ]


def _rows_in(blocks: list[PacketBlock]) -> int:
    return sum(len(transactions.rows) for transactions in pipeline.rows_of(blocks))


def _cpu_remark(run: Run) -> str:
    parts = ", ".join(f"{name} {seconds:.1f} s" for name, seconds in run.by_process.items())
    return f"{told(run.cpu_rate)}/s of CPU time without the broker's; {parts}; {run.seconds:.1f} s"


async def _pipeline(broker: KafkaBroker, capture: Path, pauses: Pauses) -> Run:
    async with service(broker, "detector", pauses) as detector:
        await detector.until_ready()
        detector_used = detector.cpu_seconds()
        broker_used = broker.cpu_seconds()
        options = ("--file", str(capture), "--speed", "max")
        async with service(broker, "capture", pauses, *options) as reading:
            await reading.until_said("reading captures")
            capture_used, started_at = reading.cpu_seconds(), time.perf_counter()
            await until(
                lambda: any(said["message"] == _ALL_PUBLISHED for said in reading.said),
                "all is published",
                _LONGEST_SECONDS,
            )
            transactions = await captured_transactions(reading)

            async def are_counted() -> bool:
                return await detector.metric(COUNTED) >= transactions

            await until(are_counted, "all is counted", _LONGEST_SECONDS)
            seconds = time.perf_counter() - started_at
            used = {
                "capture": reading.cpu_seconds() - capture_used,
                "detector": detector.cpu_seconds() - detector_used,
                "broker": broker.cpu_seconds() - broker_used,
            }
    disk_bytes = _disk_bytes(broker, "dns.transactions")
    return Run(transactions, seconds, used["capture"] + used["detector"], used, disk_bytes)


async def _json(broker: KafkaBroker, capture: Path, transactions: int) -> Run:
    broker.run_tool(
        "TopicCommand",
        *("--create", "--topic", json_pair.TOPIC, "--partitions", str(PARTITIONS)),
    )
    script = (sys.executable, "-m", json_pair.__name__)
    servers = broker.bootstrap_servers
    async with (
        started("count", servers, str(transactions), command=script) as counting,
        started("send", servers, str(capture), command=script) as sending,
    ):
        pair = {"sends": sending, "counts": counting}
        await asyncio.gather(*(each.until(_has_said(each, 1)) for each in pair.values()))
        used = {name: -each.cpu_seconds() for name, each in pair.items()}
        broker_used, started_at = broker.cpu_seconds(), time.perf_counter()
        await counting.feed(b"\n")
        await sending.feed(b"\n")
        async with asyncio.TaskGroup() as tasks:
            ends = {name: tasks.create_task(_cpu_at_its_end(each)) for name, each in pair.items()}
        # The one that counts ends last: it waits for all.
        seconds = time.perf_counter() - started_at
        for name, used_until_end in ends.items():
            used[name] += used_until_end.result()
        assert int(sending.lines[1]) == transactions
    cpu_seconds = sum(used.values())
    used["broker"] = broker.cpu_seconds() - broker_used
    return Run(transactions, seconds, cpu_seconds, used, _disk_bytes(broker, json_pair.TOPIC))


async def _cpu_at_its_end(script: ServiceProcess) -> float:
    """What it had used when it was done, or just before: then nothing can be asked any more."""
    used = script.cpu_seconds()
    while not _has_said(script, 2)():
        await asyncio.sleep(0.05)
        try:
            used = script.cpu_seconds()
        except (OSError, IndexError):
            break
    await script.until(_has_said(script, 2))
    return used


def _has_said(script: ServiceProcess, lines: int) -> Callable[[], bool]:
    return lambda: len(script.lines) >= lines


def _disk_bytes(broker: KafkaBroker, topic: str) -> int:
    """Of the records alone: indexes are files with holes, of 10 MB each."""
    files = (broker.folder / "log").glob(f"{topic}-*/*.log")
    return sum(file.stat().st_size for file in files)
