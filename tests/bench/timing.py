"""What was measured, several times over, and how it is told."""

import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numba
import numpy as np


@dataclass
class Measured:
    """One thing that was timed in every round.

    Attributes:
        name: what was done.
        count: how many packets, rows or names it was done to.
        unit: what `count` counts.
        seconds: of each round, by the clock on the wall.
        cpu_seconds: of each round, of this process and those it waited for.
    """

    name: str
    count: int
    unit: str
    seconds: list[float] = field(default_factory=list)
    cpu_seconds: list[float] = field(default_factory=list)

    def time(self, work: Callable[[], object]) -> None:
        """Do the work once more."""
        started, cpu_started = time.perf_counter(), sum(os.times()[:4])
        work()
        self.seconds.append(time.perf_counter() - started)
        self.cpu_seconds.append(sum(os.times()[:4]) - cpu_started)

    @property
    def rates(self) -> list[float]:
        """`count` a second, of each round."""
        return [self.count / seconds for seconds in self.seconds]

    @property
    def cpu_rates(self) -> list[float]:
        """`count` a second of CPU time, of each round; that is known to 0.01 s."""
        return [self.count / max(seconds, 0.01) for seconds in self.cpu_seconds]

    def ratios(self, other: "Measured") -> list[float]:
        """How many times as fast as another, round by round: both met the same neighbours."""
        return [mine / theirs for mine, theirs in zip(self.rates, other.rates, strict=True)]

    def cpu_ratios(self, other: "Measured") -> list[float]:
        """As `ratios`, by CPU time."""
        return [mine / theirs for mine, theirs in zip(self.cpu_rates, other.cpu_rates, strict=True)]


def rate_table(measured: Sequence[Measured]) -> str:
    """Markdown: a row for each, with its rates."""
    lines = [
        "| what | of | slowest | median | fastest | by CPU time: median | fastest |",
        "|---|---:|---:|---:|---:|---:|---:|",
    ]
    lines += [
        f"| {each.name} | {each.count:,} {each.unit} | {_rate(min(each.rates))} "
        f"| **{_rate(statistics.median(each.rates))}** | {_rate(max(each.rates))} "
        f"| {_rate(statistics.median(each.cpu_rates))} | {_rate(max(each.cpu_rates))} |"
        for each in measured
    ]
    return "\n".join(lines)


def ratio_table(pairs: Sequence[tuple[Measured, Measured]]) -> str:
    """Markdown: how many times as fast the first of each pair is as the second."""
    lines = [
        "| what | times as fast as | least | median | most | by CPU time: median |",
        "|---|---|---:|---:|---:|---:|",
    ]
    for fast, slow in pairs:
        ratios = fast.ratios(slow)
        lines.append(
            f"| {fast.name} | {slow.name} | {min(ratios):.1f} "
            f"| **{statistics.median(ratios):.1f}** | {max(ratios):.1f} "
            f"| {statistics.median(fast.cpu_ratios(slow)):.1f} |"
        )
    return "\n".join(lines)


def shares(rounds: Sequence[dict[str, float]]) -> str:
    """Which part of the time each stage took, at its least: `read 4 %, ...`."""
    least = {stage: min(each[stage] for each in rounds) for stage in rounds[0]}
    total = sum(least.values())
    return ", ".join(f"{stage} {seconds / total:.0%}" for stage, seconds in least.items())


def machine() -> str:
    """The processor and the versions that a number belongs to."""
    lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    models = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return (
        f"{models[0] if models else platform.machine()}, {len(models)} cores, {platform.system()}; "
        f"Python {platform.python_version()}, numba {numba.__version__}, "
        f"numpy {np.__version__}; load average {os.getloadavg()[0]:.1f} at the start"
    )


def _rate(per_second: float) -> str:
    if per_second >= 1e6:
        return f"{per_second / 1e6:.2f} M/s"
    return f"{per_second / 1e3:.1f} k/s"


def say(text: str) -> None:
    """Print a line at once: some come minutes apart."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()
