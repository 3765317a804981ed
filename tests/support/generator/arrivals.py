"""When what is asked: a mixture of ordinary traffic and tunnels as exchanges in slices of time.

Every part of every slice has a random stream of its own, seeded by its place. So the same mixture
is the same traffic, a long one begins as a short one does, and memory holds one slice.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from geophone_shared.jit import Array
from geophone_shared.transactions import Outcome
from tests.support.generator.exchanges import EXCHANGE, WAIT_US, join
from tests.support.generator.names import NameTables, Template, compile_names
from tests.support.generator.shapes import Question, Shape, ordinary_shapes
from tests.support.generator.tunnels import Tunnel

_PER_SLICE = 65_536
_LOST_SHARE = 0.01
_RETRIED_SHARE = 0.8
_0X20_SHARE = 0.1
"""Of the clients: resolvers behind the sensor that mix the case of names, as Google's does."""
_BUSIEST_HOUR = 14
_DAILY_SWING = 0.6
_NXDOMAIN = 3


@dataclass(frozen=True)
class Mixture:
    """Traffic of any length.

    Attributes:
        seed: other seeds make other traffic of the same kind.
        seconds: how long it lasts.
        ordinary_per_second: ordinary queries, on the average of a day.
        tunnels: each under a registered domain of its own.
        shapes: what the ordinary queries are.
        clients: client addresses that there are.
        start_us: µs since the epoch.
    """

    seed: int
    seconds: float
    ordinary_per_second: float
    tunnels: tuple[Tunnel, ...] = ()
    shapes: tuple[Shape, ...] = ordinary_shapes(20_000)
    clients: int = 2_000
    start_us: int = 1_767_254_400_000_000  # 2026-01-01 08:00 UTC

    @cached_property
    def domains(self) -> tuple[str, ...]:
        """Every registered domain, by its number in an exchange."""
        names = [name for shape in self.shapes for name in shape.domains]
        return tuple(dict.fromkeys(names + [tunnel.domain for tunnel in self.tunnels]))

    @cached_property
    def tables(self) -> NameTables:
        """How names are written; template i belongs to question i of all, tunnels' last."""
        templates: list[Template] = []
        asked = [shape.questions for shape in self.shapes]
        for questions in asked + [tunnel.questions for tunnel in self.tunnels]:
            templates += [question.template for question in questions]
        return compile_names(templates, self.domains)

    def slices(self) -> Iterator[Array]:
        """`EXCHANGE` arrays: those of one slice of time, in order of `time_us`.

        A few begin after the end of their slice; none begins before its start.
        """
        parts = _parts(self)
        rate = self.ordinary_per_second + sum(t.names_per_second for t in self.tunnels)
        end_us = self.start_us + int(self.seconds * 1e6)
        step_us = max(int(_PER_SLICE / max(rate, 1e-9) * 1e6), 1)
        for number, first_us in enumerate(range(self.start_us, end_us, step_us)):
            last_us = min(first_us + step_us, end_us)
            made = []
            for place, part in enumerate(parts):
                rng = np.random.default_rng([self.seed, place, number])
                fresh = part.between(rng, first_us, last_us)
                if fresh.size:
                    made.append(_with_fate(rng, fresh))
            exchanges = join(made)
            yield exchanges[np.argsort(exchanges["time_us"], kind="stable")]


class _Ordinary:
    """One shape: queries at random times."""

    def __init__(self, mixture: Mixture, shape: Shape, template: int, domains: Array) -> None:
        self._shape = shape
        self._template = template
        self._domains = domains
        self._rate = mixture.ordinary_per_second * shape.share
        self._domain_odds = _zipf(len(domains))
        self._host_odds = _zipf(shape.hosts)
        self._hosts = np.full(len(domains), shape.hosts)
        if shape.few_hosts:
            odds = np.random.default_rng(mixture.seed).random(len(domains))
            self._hosts = np.select([odds < 0.948, odds < 0.9998], [1, 3], 20)
            self._hosts[:4] = shape.hosts
        self._clients = max(1, round(mixture.clients * shape.client_share))
        self._client_odds = _zipf(self._clients)

    def between(self, rng: np.random.Generator, first_us: int, last_us: int) -> Array:
        rate = self._rate * _daily(first_us)
        made = np.zeros(rng.poisson(rate * (last_us - first_us) / 1e6), EXCHANGE)
        made["time_us"] = rng.integers(first_us, last_us, made.size)
        domain = _draw(rng, self._domain_odds, made.size)
        made["domain"] = self._domains[domain]
        made["host"] = _draw(rng, self._host_odds, made.size) % self._hosts[domain]
        client = _draw(rng, self._client_odds, made.size)
        made["client"] = 256 + client
        mixes_case = client % 100 < _0X20_SHARE * 100
        made["case_bits"] = rng.integers(0, 1 << 63, made.size) * mixes_case
        made["has_edns"] = client % 2
        _ask(rng, made, self._shape.questions, self._template)
        is_absent = rng.random(made.size) < self._shape.nxdomain_share
        made["rcode"] = np.where(is_absent, _NXDOMAIN, 0)
        made["answer_bytes"][is_absent] = 0
        return made


class _Tunnelled:
    """One tunnel: a new name at every beat."""

    def __init__(self, mixture: Mixture, tunnel: Tunnel, template: int, domain: int) -> None:
        self._tunnel = tunnel
        self._template = template
        self._domain = domain
        self._start_us = mixture.start_us + int(tunnel.first_second * 1e6)
        self._beat_us = 1e6 / tunnel.names_per_second

    def between(self, rng: np.random.Generator, first_us: int, last_us: int) -> Array:
        first, last = self._names_before(first_us), self._names_before(last_us)
        made = np.zeros(last - first, EXCHANGE)
        made["host"] = np.arange(first, last)
        jitter = rng.random(made.size) / 2
        made["time_us"] = self._start_us + (made["host"] + jitter) * self._beat_us
        made["domain"] = self._domain
        made["client"] = 1 + made["host"] % self._tunnel.clients
        made["has_edns"] = self._tunnel.has_edns
        _ask(rng, made, self._tunnel.questions, self._template)
        return made

    def _names_before(self, time_us: int) -> int:
        names = max(0, math.ceil((time_us - self._start_us) / self._beat_us))
        return names if self._tunnel.names is None else min(names, self._tunnel.names)


def _parts(mixture: Mixture) -> list[_Ordinary | _Tunnelled]:
    numbers = {domain: number for number, domain in enumerate(mixture.domains)}
    parts: list[_Ordinary | _Tunnelled] = []
    template = 0
    for shape in mixture.shapes:
        domains = np.array([numbers[domain] for domain in shape.domains])
        parts.append(_Ordinary(mixture, shape, template, domains))
        template += len(shape.questions)
    for tunnel in mixture.tunnels:
        parts.append(_Tunnelled(mixture, tunnel, template, numbers[tunnel.domain]))
        template += len(tunnel.questions)
    return parts


def _ask(
    rng: np.random.Generator, made: Array, questions: Sequence[Question], template: int
) -> None:
    """Draw one of the questions for each exchange, its answer, a port and an id."""
    weights = np.cumsum([question.weight for question in questions])
    chosen = np.searchsorted(weights, rng.random(made.size) * weights[-1], side="right")
    made["template"] = template + chosen
    made["query_type"] = np.array([question.query_type for question in questions])[chosen]
    least, most = np.array([question.answer_bytes for question in questions]).T
    made["answer_bytes"] = rng.integers(least[chosen], most[chosen] + 1)
    made["client_port"] = rng.integers(1_024, 65_536, made.size)
    made["dns_id"] = rng.integers(0, 65_536, made.size)


def _with_fate(rng: np.random.Generator, asked: Array) -> Array:
    """Answer most, lose a few; of these most are asked again with the same id, and answered."""
    asked["duration_us"] = 300 + rng.exponential(20_000, asked.size).clip(max=3_000_000)
    asked["completed_us"] = asked["time_us"] + asked["duration_us"]
    asked["outcome"] = Outcome.ANSWERED
    lost = np.flatnonzero(rng.random(asked.size) < _LOST_SHARE)
    again = asked[lost]
    again_us = again["time_us"] + rng.integers(1_000_000, 5_000_000, lost.size)
    is_retried = rng.random(lost.size) < _RETRIED_SHARE
    asked["outcome"][lost] = Outcome.UNANSWERED
    asked["is_reused"][lost] = is_retried
    asked["completed_us"][lost] = np.where(is_retried, again_us, again["time_us"] + WAIT_US)
    again["time_us"] = again_us
    again["completed_us"] = again_us + again["duration_us"]
    return join([asked, again[is_retried]])


def _daily(time_us: int) -> float:
    hour = time_us / 3_600e6 % 24
    return 1 + _DAILY_SWING * math.cos((hour - _BUSIEST_HOUR) * math.pi / 12)


def _zipf(size: int) -> Array:
    """Cumulative odds of rank 1 to `size`, with exponent 1."""
    odds: Array = np.cumsum(1 / np.arange(1, size + 1))
    odds /= odds[-1]
    return odds


def _draw(rng: np.random.Generator, odds: Array, size: int) -> Array:
    ranks: Array = np.searchsorted(odds, rng.random(size), side="right")
    return ranks
