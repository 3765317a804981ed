"""The sliding windows: one detector's tables, and how rows and time move them [core]."""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from geophone_detector.kernels.layout import (
    DOMAIN,
    EVIDENCE,
    HEADS,
    INFORMATION,
    LATEST_PANE,
    NAMES,
    NEVER,
    NONE,
    PAIR,
    PANE_UNSET,
    PANE_US,
    SAMPLE_NAMES,
    SAMPLE_STRIDE,
    WHEEL_PANES,
    WINDOW_PANES,
    WINDOWS,
    Tables,
)
from geophone_detector.kernels.observe import (
    CROSSED,
    EXHAUSTED,
    INDEX_FULL,
    PANE_AHEAD,
    observe_rows,
)
from geophone_detector.kernels.pairs import advance_panes, reindex
from geophone_detector.rules import Rule
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.jit import Array
from geophone_shared.suffixes import SuffixTable
from geophone_shared.transactions import Transactions

WINDOW_SECONDS = tuple(panes * PANE_US // 1_000_000 for panes in WINDOW_PANES)

PAIR_CAPACITY = 8 << 20
"""Live hostnames of all domains. A new one beyond it isn't counted; its row is (`refused`)."""
DOMAIN_CAPACITY = 2 << 20
"""Registered domains. Rows of a new one beyond it aren't counted (`rows_without_room`)."""
EVIDENCE_CAPACITY = 16_384
DOMAIN_NAME_BYTES = 24
"""Room for the name of a domain, on average."""
WATCH_CAPACITY = 65_536
"""Domains that may have values of their own to be watched for."""
_FIRST_SLOTS = 1 << 14

EVERYONE = 0
"""The watch that a domain has until it gets its own."""
_MUTED = 1
"""The watch of a domain for which none is left."""


class Stop(IntEnum):
    """Why `SlidingWindows.observe` stopped."""

    EXHAUSTED = EXHAUSTED
    PANE_AHEAD = PANE_AHEAD
    CROSSED = CROSSED


class SlidingWindows:
    """Distinct hostnames and information bytes of every domain in 10 minutes, 4 hours, 24 hours.

    Attributes:
        tables: the arrays; who reads them knows `kernels.layout`.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        allow_list: SuffixTable,
        secret: SecretKey,
        exact_cap_names: int,
        pair_capacity: int = PAIR_CAPACITY,
        domain_capacity: int = DOMAIN_CAPACITY,
        evidence_capacity: int = EVIDENCE_CAPACITY,
    ) -> None:
        if exact_cap_names < 1:
            raise ConfigError("the exact cap has to be at least 1 name")
        measures = {"unique_hostnames": NAMES, "information_bytes": INFORMATION}
        least_values = [rule.least_value for rule in rules]
        heads = np.zeros(1, HEADS)
        heads["now_pane"] = PANE_UNSET
        heads["clock_us"] = -1
        heads["free_pair"] = NONE
        self._rules = len(rules)
        self._watches = 2
        self._free_watches: list[int] = []
        # Untouched pages of these arrays cost no memory: each is as large as it may ever become.
        self.tables = Tables(
            pairs=np.empty(pair_capacity, PAIR),
            pair_slots=np.full(_FIRST_SLOTS, NONE, np.int32),
            wheels=np.full((WINDOWS, WHEEL_PANES), NONE, np.int32),
            domains=np.zeros(domain_capacity, DOMAIN),
            domain_slots=np.full(_FIRST_SLOTS, NONE, np.int32),
            domain_names=np.empty(domain_capacity * DOMAIN_NAME_BYTES, np.uint8),
            evidence=np.zeros(evidence_capacity, EVIDENCE),
            samples=np.empty((SAMPLE_NAMES, evidence_capacity * SAMPLE_STRIDE), np.uint8),
            watch=np.array([least_values, [NEVER] * len(rules)], np.int64),
            rule_window=np.array([_window_index(rule.window_seconds) for rule in rules], np.int64),
            rule_measure=np.array([measures[rule.measure] for rule in rules], np.int64),
            allow_slots=allow_list.slots,
            allow_labels=allow_list.labels,
            heads=heads,
            key0=secret.key0,
            key1=secret.key1,
            exact_cap=exact_cap_names,
        )

    @property
    def now_pane(self) -> int | None:
        """The minute since the epoch in which the windows end; None before the first row."""
        now_pane = int(self.tables.heads[0]["now_pane"])
        return None if now_pane == PANE_UNSET else now_pane

    def observe(self, transactions: Transactions, first: int, latest_us: int) -> tuple[int, Stop]:
        """Count rows from `first` on, until one asks for a decision.

        Args:
            transactions: rows in completion order.
            first: the row to begin with.
            latest_us: rows dated later are counted as of this time.

        Returns:
            The next row, and why it stopped before it. After `PANE_AHEAD` the caller advances to
            `ahead_pane` before it goes on; after `CROSSED` it looks at `crossed_domain`.
        """
        latest_us = min(latest_us, LATEST_PANE * PANE_US)
        while True:
            first, stop = observe_rows(
                self.tables, transactions.rows, transactions.names, first, latest_us
            )
            if stop != INDEX_FULL:
                return first, Stop(stop)
            self._grow_indexes()

    @property
    def ahead_pane(self) -> int:
        """The pane that the next row completes in, after `PANE_AHEAD`."""
        return int(self.tables.heads[0]["event_pane"])

    @property
    def crossed_domain(self) -> int:
        """The domain of the last row, after `CROSSED`."""
        return int(self.tables.heads[0]["event_domain"])

    def advance(self, pane: int) -> None:
        """Let the windows end with `pane`, which isn't before `now_pane`."""
        pane = min(pane, LATEST_PANE)
        if self.now_pane is None:
            self.tables.heads["now_pane"] = pane
        else:
            advance_panes(self.tables, pane)

    def value(self, domain: int, rule: int) -> int:
        """What a rule measures of a domain now."""
        window = self.tables.rule_window[rule]
        is_information = self.tables.rule_measure[rule] == INFORMATION
        measure = "information" if is_information else "names"
        return int(self.tables.domains[domain][measure][window])

    def watch(self, domain: int, least_values: Sequence[int] | None) -> bool:
        """Stop at other values of a domain than everyone's; None: at everyone's again.

        Returns:
            False where no watch was left: the domain then makes no stop at all.
        """
        domains = self.tables.domains
        watch = int(domains[domain]["watch"])
        if least_values is None:
            if watch > _MUTED:
                self._free_watches.append(watch)
            domains[domain]["watch"] = EVERYONE
            return True
        if watch <= _MUTED:
            if not self.has_free_watch:
                domains[domain]["watch"] = _MUTED
                return False
            watch = self._free_watches.pop() if self._free_watches else self._new_watch()
            domains[domain]["watch"] = watch
        self.tables.watch[watch] = least_values
        return True

    @property
    def has_free_watch(self) -> bool:
        """Whether another domain may get a watch of its own."""
        return bool(self._free_watches) or self._watches < WATCH_CAPACITY

    def _new_watch(self) -> int:
        if self._watches == len(self.tables.watch):
            more = np.full_like(self.tables.watch, NEVER)
            watch = np.concatenate([self.tables.watch, more])
            self.tables = self.tables._replace(watch=watch)
        self._watches += 1
        return self._watches - 1

    def _grow_indexes(self) -> None:
        tables = self.tables
        heads = tables.heads[0]
        if 2 * heads["live_pairs"] >= tables.pair_slots.size:
            # Never so many were live before, so every pair that was ever used is.
            count = int(heads["unused_pair"])
            pair_slots = _grown(tables.pair_slots, tables.pairs, count)
            self.tables = self.tables._replace(pair_slots=pair_slots)
        if 2 * heads["domains"] >= tables.domain_slots.size:
            domain_slots = _grown(tables.domain_slots, tables.domains, int(heads["domains"]))
            self.tables = self.tables._replace(domain_slots=domain_slots)


def _grown(slots: Array, records: Array, count: int) -> Array:
    """An index twice as large, of the first `count` records."""
    grown = np.full(2 * slots.size, NONE, np.int32)
    reindex(grown, records, count)
    return grown


def _window_index(window_seconds: int) -> int:
    if window_seconds not in WINDOW_SECONDS:
        raise ConfigError(
            f"{window_seconds} s is not a window: the windows are"
            f" {', '.join(f'{seconds} s' for seconds in WINDOW_SECONDS)}"
        )
    return WINDOW_SECONDS.index(window_seconds)
