"""Whether a process lives, is ready and has started, as probes ask it [core].

Liveness is about the process alone: a broker that is away makes a service not ready, never not
alive, since a restart wouldn't bring it back. Times are of one clock that never goes back.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Probe = Literal["liveness", "readiness"]

DRAINING = "draining"
"""The check that fails from the beginning of a stop on."""


@dataclass(frozen=True, slots=True)
class Condition:
    """Something that has to hold.

    Attributes:
        name: what people read.
        probe: `liveness` holds from the start, so that it takes a while to fail; `readiness` has to
            be reported first. The process has started when each of the latter held once.
        valid_seconds: a report counts for so long; None for until the next one.
    """

    name: str
    probe: Probe
    valid_seconds: float | None = None


@dataclass(frozen=True, slots=True)
class Check:
    """A condition at some time.

    Attributes:
        name: of the condition.
        is_ok: whether it holds.
        detail: more about it, for people; may be empty.
        since_seconds: since when it is so.
    """

    name: str
    is_ok: bool
    detail: str
    since_seconds: float


@dataclass(slots=True)
class _State:
    condition: Condition
    check: Check
    reported_seconds: float
    first_held_seconds: float | None = None

    def check_at(self, now_seconds: float) -> Check:
        valid_seconds = self.condition.valid_seconds
        if not self.check.is_ok or valid_seconds is None:
            return self.check
        until_seconds = self.reported_seconds + valid_seconds
        if now_seconds <= until_seconds:
            return self.check
        detail = f"no news for more than {valid_seconds:g} s"
        return Check(self.condition.name, is_ok=False, detail=detail, since_seconds=until_seconds)


class Health:
    """The conditions of a process.

    Args:
        conditions: what has to hold.
        now_seconds: the time.
    """

    def __init__(self, conditions: Sequence[Condition], now_seconds: float) -> None:
        self._states: dict[str, _State] = {}
        for condition in conditions:
            is_ok = condition.probe == "liveness"
            detail = "" if is_ok else "not yet"
            check = Check(condition.name, is_ok, detail, now_seconds)
            self._states[condition.name] = _State(condition, check, now_seconds)
        self._draining: Check | None = None

    def report(
        self, name: str, now_seconds: float, *, is_ok: bool = True, detail: str = ""
    ) -> None:
        """Say whether a condition holds now.

        Args:
            name: of the condition; KeyError where there is none.
            now_seconds: the time.
            is_ok: whether it holds.
            detail: more, for people.
        """
        state = self._states[name]
        before = state.check_at(now_seconds)
        since_seconds = before.since_seconds if before.is_ok == is_ok else now_seconds
        state.check = Check(name, is_ok, detail, since_seconds)
        state.reported_seconds = now_seconds
        if is_ok and state.first_held_seconds is None:
            state.first_held_seconds = now_seconds

    def drain(self, now_seconds: float) -> None:
        """Not be ready any more: a stop has begun."""
        self._draining = Check(DRAINING, is_ok=False, detail="", since_seconds=now_seconds)

    def liveness(self, now_seconds: float) -> list[Check]:
        """The checks of `/livez`: a restart helps where one fails."""
        return self._checks("liveness", now_seconds)

    def readiness(self, now_seconds: float) -> list[Check]:
        """The checks of `/readyz`: work should go elsewhere where one fails."""
        draining = [] if self._draining is None else [self._draining]
        return self._checks("readiness", now_seconds) + draining

    def startup(self) -> list[Check]:
        """The checks of `/startupz`: each condition of readiness, which has to have held once."""
        return [
            state.check
            if state.first_held_seconds is None
            else Check(
                state.condition.name, is_ok=True, detail="", since_seconds=state.first_held_seconds
            )
            for state in self._states.values()
            if state.condition.probe == "readiness"
        ]

    def _checks(self, probe: Probe, now_seconds: float) -> list[Check]:
        return [
            state.check_at(now_seconds)
            for state in self._states.values()
            if state.condition.probe == probe
        ]
