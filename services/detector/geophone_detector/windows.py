"""The sliding windows: one detector's tables, and how rows and time move them [core]."""

from collections.abc import Sequence
from enum import IntEnum

import numpy as np

from geophone_detector.allocation import empty_tables, indexed
from geophone_detector.archive import Archive
from geophone_detector.capacities import Capacities
from geophone_detector.kernels.domains import free_emptied, note_domain
from geophone_detector.kernels.layout import (
    EVERYONE,
    INFORMATION,
    LATEST_PANE,
    NEVER,
    NONE,
    PANE_UNSET,
    PANE_US,
)
from geophone_detector.kernels.observe import (
    CAP_REACHED,
    CROSSED,
    EXHAUSTED,
    INDEX_FULL,
    NO_ROOM,
    PANE_AHEAD,
    observe_rows,
)
from geophone_detector.kernels.pairs import advance_panes, reindex
from geophone_detector.reading import live_counts
from geophone_detector.rules import Rule
from geophone_detector.sketched import SketchedDomains, SketchedState
from geophone_detector.sweeping import make_room
from geophone_shared.hashing import SecretKey
from geophone_shared.jit import Array
from geophone_shared.kernels.index import is_full
from geophone_shared.suffixes import SuffixTable
from geophone_shared.transactions import Transactions

WATCH_CAPACITY = 65_536
"""Domains that may have values of their own to be watched for."""
MUTED = 1
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
        sketched: the domains above the exact cap.
        archive: the best of the domains that were freed.
        swept_domains: domains freed because the tables were full.
    """

    def __init__(
        self,
        rules: Sequence[Rule],
        allow_list: SuffixTable,
        secret: SecretKey,
        exact_cap_names: int,
        capacities: Capacities,
    ) -> None:
        self.tables = empty_tables(rules, allow_list, secret, exact_cap_names, capacities)
        self.sketched = SketchedDomains(capacities.sketches)
        self.archive = Archive()
        self.swept_domains = 0
        self._rules = len(rules)
        self._watches = 2
        self._free_watches: list[int] = []

    @property
    def watches(self) -> int:
        """How many rows of the tables' `watch` were ever used."""
        return self._watches

    @property
    def free_watches(self) -> tuple[int, ...]:
        """Those of them that no domain has; the last is the next one to be given."""
        return tuple(self._free_watches)

    def restore(
        self, watch: Array, free_watches: Sequence[int], sketched: SketchedState, swept: int
    ) -> None:
        """Go on from what a snapshot says beside the tables, which are filled: index them.

        Args:
            watch: int64[watches, rules]: the rows that were ever used.
            free_watches: as `free_watches`.
            sketched: the domains above the exact cap.
            swept: as `swept_domains`.
        """
        rows = 1 << (len(watch) - 1).bit_length()
        grown = np.full((rows, watch.shape[1]), NEVER, np.int64)
        grown[: len(watch)] = watch
        self.tables = indexed(self.tables)._replace(watch=grown)
        self.sketched.restore(sketched)
        self.swept_domains = swept
        self._watches = len(watch)
        self._free_watches = list(free_watches)

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
        self._let_go()
        while True:
            first, stop = observe_rows(
                self.tables, transactions.rows, transactions.names, first, latest_us
            )
            if stop == INDEX_FULL:
                self._grow_indexes()
            elif stop == NO_ROOM:
                self.swept_domains += make_room(self.tables, self.archive)
            elif stop == CAP_REACHED:
                self.sketched.begin(self.tables, self.crossed_domain)
            else:
                return first, Stop(stop)

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
            return
        advance_panes(self.tables, pane)
        self.tables.heads["is_refusing"] = 0
        self.judge_sketched()
        self._let_go()

    def judge_sketched(self) -> list[int]:
        """Estimate the domains above the exact cap as of now, which are returned."""
        for domain in self.sketched.judge(self.tables):
            note_domain(self.tables, domain)
        return list(self.sketched)

    def value(self, domain: int, rule: int) -> int:
        """What a rule measures of a domain now."""
        counts = live_counts(self.tables, domain, int(self.tables.rule_window[rule]))
        if self.tables.rule_measure[rule] == INFORMATION:
            return counts.information
        return counts.names

    def value_bounds(self, domain: int, rule: int) -> tuple[int, int] | None:
        """Between what the value lies, where it isn't exact."""
        counts = live_counts(self.tables, domain, int(self.tables.rule_window[rule]))
        if counts.exact:
            return None
        if self.tables.rule_measure[rule] == INFORMATION:
            return counts.information_bounds
        return counts.names_lower, counts.names_upper

    def watch(self, domain: int, least_values: Sequence[int] | None) -> bool:
        """Stop at other values of a domain than everyone's; None: at everyone's again.

        Returns:
            False where no watch was left: the domain then makes no stop at all.
        """
        domains = self.tables.domains
        watch = int(domains[domain]["watch"])
        if least_values is None:
            if watch > MUTED:
                self._free_watches.append(watch)
            domains[domain]["watch"] = EVERYONE
            note_domain(self.tables, domain)
            return True
        if watch <= MUTED:
            if not self.has_free_watch:
                domains[domain]["watch"] = MUTED
                return False
            watch = self._free_watches.pop() if self._free_watches else self._new_watch()
            domains[domain]["watch"] = watch
        self.tables.watch[watch] = least_values
        return True

    @property
    def has_free_watch(self) -> bool:
        """Whether another domain may get a watch of its own."""
        return bool(self._free_watches) or self._watches < WATCH_CAPACITY

    def _let_go(self) -> None:
        """Free the domains whose last name has left; the best go into the archive."""
        emptied = int(self.tables.heads[0]["emptied"])
        if emptied:
            self.archive.add(self.tables, self.tables.emptied[:emptied])
            free_emptied(self.tables)

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
        # Never so many were live before, so in a full index every record that was ever used is.
        pairs, domains = int(heads["live_pairs"]), int(heads["live_domains"])
        if is_full(tables.pair_slots, pairs):
            pair_slots = _grown(tables.pair_slots, tables.pairs, pairs)
            self.tables = self.tables._replace(pair_slots=pair_slots)
        if is_full(tables.domain_slots, domains):
            domain_slots = _grown(tables.domain_slots, tables.domains, domains)
            self.tables = self.tables._replace(domain_slots=domain_slots)


def _grown(slots: Array, records: Array, count: int) -> Array:
    """An index twice as large, of the first `count` records."""
    grown = np.full(2 * slots.size, NONE, np.int32)
    reindex(grown, records, count)
    return grown
