"""The top domains that REST shows: the latest list of each partition, merged [core].

A domain is in one partition, so that merged lists are exact as far down as each of them reaches.
"""

import heapq
from itertools import islice
from operator import itemgetter

from geophone_shared.drops import Drops, together
from geophone_shared.summaries import DomainSummary, WindowCounts
from geophone_shared.top_domains import ListedDomain, TopList

_Place = tuple[int, str, ListedDomain, WindowCounts]
"""Of a domain in a window: what it is ranked by (hostnames, negative; its name), and the two."""
_rank = itemgetter(0, 1)


class TopStore:
    """The latest list of each partition.

    Attributes:
        version: another one after each change.
    """

    def __init__(self) -> None:
        self.version = 0
        self._lists: dict[int, TopList] = {}
        self._by_name: dict[int, dict[str, ListedDomain]] = {}
        self._ranked: dict[int, dict[int, list[_Place]]] = {}

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
        ranked: dict[int, list[_Place]] = {seconds: [] for seconds in top_list.windows}
        for domain in top_list.domains:
            for counts in domain.windows:
                place = -counts.unique_hostnames, domain.name, domain, counts
                ranked[counts.window_seconds].append(place)
        for places in ranked.values():
            places.sort(key=_rank)
        self._lists[top_list.partition] = top_list
        self._by_name[top_list.partition] = {each.name.lower(): each for each in top_list.domains}
        self._ranked[top_list.partition] = ranked
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
        lists = [each.get(window_seconds, []) for each in self._ranked.values()]
        merged = (place[2:] for place in heapq.merge(*lists, key=_rank))
        wanted = (
            domain.in_window(counts)
            for domain, counts in merged
            if not (exclude_allowed and domain.summary.allowed)
        )
        return list(islice(wanted, limit))

    def find(self, domain: str) -> dict[int, DomainSummary]:
        """What the lists hold of a domain, by the window's length in seconds; empty for nothing.

        Args:
            domain: in presentation form, any case.
        """
        key = domain.lower()
        for by_name in self._by_name.values():
            if key in by_name:
                found = by_name[key]
                return {each.window_seconds: found.in_window(each) for each in found.windows}
        return {}
