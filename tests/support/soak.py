"""What hours of load are measured by: memory, file descriptors and tasks of processes."""

import asyncio
import os
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field

import numpy as np

SECONDS = float(os.environ.get("GEOPHONE_SOAK_SECONDS", "6"))
RATE = float(os.environ.get("GEOPHONE_SOAK_RATE", "5000"))
"""Queries a second."""
LONG_SECONDS = 2_400
"""Of a load that the slope of memory means something in."""
MOST_MIB_PER_HOUR = 30
MOST_MORE = 12
"""File descriptors and tasks that there may be more at the end than after the first quarter."""

_SERIES = {
    "memory": "process_resident_memory_bytes",
    "descriptors": "process_open_fds",
    "tasks": "geophone_event_loop_tasks",
}

Metric = Callable[[str], Awaitable[float]]
"""Asks a process for a series."""


@dataclass
class Course:
    """What was seen of one process: seconds, and the values of `_SERIES`."""

    seconds: list[float] = field(default_factory=list)
    values: dict[str, list[float]] = field(default_factory=lambda: {name: [] for name in _SERIES})

    def after_warm_up(self, name: str) -> list[float]:
        """All but the first quarter."""
        return self.values[name][len(self.seconds) // 4 :]

    def slope_per_hour(self, name: str) -> float:
        """Of the least squares line through all but the first quarter."""
        values = self.after_warm_up(name)
        return float(np.polyfit(self.seconds[-len(values) :], values, 1)[0]) * 3600

    def assert_flat(self, process: str, transactions: float) -> None:
        """Print the slopes; fail where one isn't flat."""
        slopes = {name: round(self.slope_per_hour(name) / unit(name)) for name in _SERIES}
        print(f"{process}, {transactions:,.0f} transactions, slopes an hour (memory MiB): {slopes}")  # noqa: T201
        for series in ("descriptors", "tasks"):
            first, *_, last = self.after_warm_up(series)
            assert last - first <= MOST_MORE, (process, self.values[series])
        if SECONDS >= LONG_SECONDS:
            assert slopes["memory"] <= MOST_MIB_PER_HOUR, process


def unit(series: str) -> int:
    return 1 << 20 if series == "memory" else 1


async def watch(metrics: Mapping[str, Metric], courses: dict[str, Course]) -> None:
    """Looks at each process now and then, for ever."""
    loop = asyncio.get_running_loop()
    while True:
        for name, metric in metrics.items():
            course = courses.setdefault(name, Course())
            course.seconds.append(loop.time())
            for series, metric_name in _SERIES.items():
                course.values[series].append(await metric(metric_name))
        await asyncio.sleep(SECONDS / 40)
