"""What was found, and how it is told beside its aim."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Literal

import httpx

from tests.support.service_processes import ServiceProcess

_PAUSE = "geophone_event_loop_longest_pause_seconds"
_LOOK_SECONDS = 1.0


@dataclass(frozen=True)
class Finding:
    """One line of a table.

    Attributes:
        what: was measured.
        value: of each round.
        unit: of the value.
        aim: what it should be, in the same unit; None where nothing is said.
        is_least: whether the aim is the least that it should be, or the most.
        remark: what belongs to it, such as CPU time.
    """

    what: str
    value: Sequence[float]
    unit: str
    aim: float | None = None
    is_least: bool = True
    remark: str = ""

    @property
    def best(self) -> float:
        """The best round: a shared machine only ever makes it worse."""
        return max(self.value) if self.is_least else min(self.value)

    @property
    def verdict(self) -> Literal["", "reached", "missed"]:
        """Whether the best round is as it should be."""
        if self.aim is None:
            return ""
        is_reached = self.best >= self.aim if self.is_least else self.best <= self.aim
        return "reached" if is_reached else "missed"


@dataclass
class Pauses:
    """The longest pause of each process's event loop, in seconds."""

    longest: dict[str, float] = field(default_factory=dict)

    @asynccontextmanager
    async def of(self, name: str, service: ServiceProcess) -> AsyncIterator[None]:
        """Looks at it as long as the `async with` lasts, or as the process does."""
        async with asyncio.TaskGroup() as tasks:
            watching = tasks.create_task(self._watch(name, service))
            try:
                yield
            finally:
                watching.cancel()

    async def _watch(self, name: str, service: ServiceProcess) -> None:
        with suppress(httpx.HTTPError):  # when it has ended
            while True:
                pause_seconds = await service.metric(_PAUSE)
                self.longest[name] = max(self.longest.get(name, 0.0), pause_seconds)
                await asyncio.sleep(_LOOK_SECONDS)


def table(findings: Sequence[Finding]) -> str:
    """Markdown."""
    lines = ["| what | measured | aim | | |", "|---|---:|---:|---|---|"]
    for each in findings:
        rounds = f" ({', '.join(told(value) for value in each.value)})"
        aim = "" if each.aim is None else f"{'≥' if each.is_least else '≤'} {told(each.aim)}"
        lines.append(
            f"| {each.what} | **{told(each.best)}** {each.unit}{rounds * (len(each.value) > 1)} "
            f"| {aim} | {each.verdict} | {each.remark} |"
        )
    return "\n".join(lines)


def told(value: float) -> str:
    """A number with three digits or so that mean something."""
    for size, letter in ((1e6, " M"), (1e3, " k")):
        if value >= size:
            return f"{value / size:.3g}{letter}" if value < 1000 * size else f"{value:,.0f}"
    return f"{value:.3g}"
