"""The top domains that REST shows: the latest list of each partition, merged [core].

A domain is in one partition, so that merged lists are exact as far down as each of them reaches.
"""

import heapq
from dataclasses import replace
from itertools import islice

from geophone_shared.drops import Drops, together
from geophone_shared.summaries import DomainSummary
from geophone_shared.top_domains import TopList, rank


class TopStore:
    """The latest list of each partition.

    Attributes:
        version: another one after each change.
    """

    def __init__(self) -> None:
        self.version = 0
        self._lists: dict[int, TopList] = {}
        self._by_domain: dict[int, dict[str, dict[int, DomainSummary]]] = {}

    @property
    def as_of_us(self) -> int | None:
        """The latest clock of a partition: one that changes nothing sends no new list."""
        return max((each.as_of_us for each in self._lists.values()), default=None)

    @property
    def positions(self) -> dict[int, int]:
        """By partition, where its input goes on."""
        return {number: each.position for number, each in self._lists.items()}

    @property
    def drops(self) -> Drops | None:
        """What detectors have lost; None where they don't say."""
        return together(each.drops for each in self._lists.values() if each.drops is not None)

    def apply(self, top_list: TopList) -> None:
        """Takes a list in place of its partition's earlier one."""
        by_domain: dict[str, dict[int, DomainSummary]] = {}
        windows = {}
        for window_seconds, domains in top_list.windows.items():
            windows[window_seconds] = tuple(sorted(domains, key=rank))
            for domain in domains:
                windows_of = by_domain.setdefault(domain.registered_domain.lower(), {})
                windows_of[window_seconds] = domain
        self._lists[top_list.partition] = replace(top_list, windows=windows)
        self._by_domain[top_list.partition] = by_domain
        self.version += 1

    def ranked(
        self, window_seconds: int, limit: int, *, exclude_allowed: bool
    ) -> list[DomainSummary]:
        """The domains with the most hostnames; equal ones by name.

        Args:
            window_seconds: which window's.
            limit: how many at most.
            exclude_allowed: leave out what an allow list has.
        """
        lists = [each.windows.get(window_seconds, ()) for each in self._lists.values()]
        merged = heapq.merge(*lists, key=rank)
        wanted = (each for each in merged if not (exclude_allowed and each.allowed))
        return list(islice(wanted, limit))

    def find(self, domain: str) -> dict[int, DomainSummary]:
        """What the lists hold of a domain, by the window's length in seconds; empty for nothing.

        Args:
            domain: in presentation form, any case.
        """
        key = domain.lower()
        for by_domain in self._by_domain.values():
            if key in by_domain:
                return by_domain[key]
        return {}
