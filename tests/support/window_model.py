"""The sliding windows by brute force: plain Python from the design, for kernels to agree with.

A name lives in a window of W panes while the last pane it was seen in lies inside of it:

    pane (minute)   now-W   now-W+1   …   now
                    gone    └──── window ────┘

All that was counted is kept, and every number is counted anew from all of it.
"""

import itertools
from collections import Counter
from collections.abc import Container, Sequence
from dataclasses import dataclass, field, replace

from geophone_shared.mnemonics import query_type_name, response_code_name
from geophone_shared.summaries import ClientQueries, DomainSummary
from geophone_shared.transactions import Outcome
from tests.support.detector_rows import FAR_US, Row, address_number
from tests.support.rows import borders

PANE_US = 60_000_000
WINDOW_PANES = (10, 240, 1440)
NO_LIMIT = 1 << 62


@dataclass(slots=True)
class DomainModel:
    """One key: its rows, each time that a name of it was counted, and its peaks by window."""

    key: bytes
    is_allowed: bool
    rows: list[Row] = field(default_factory=list)
    sightings: list[tuple[int, bytes]] = field(default_factory=list)
    refused: int = 0
    peak_names: list[int] = field(default_factory=lambda: [0, 0, 0])
    peak_information: list[int] = field(default_factory=lambda: [0, 0, 0])

    def live_names(self, now_pane: int, window: int) -> set[bytes]:
        """The lower-cased names whose last pane is in the window that ends with `now_pane`."""
        last_pane: dict[bytes, int] = {}
        for pane, name in self.sightings:
            last_pane[name.lower()] = max(pane, last_pane.get(name.lower(), pane))
        first_pane = now_pane - WINDOW_PANES[window] + 1
        return {name for name, pane in last_pane.items() if first_pane <= pane <= now_pane}

    def information_bytes(self, names: set[bytes]) -> int:
        """The length of the part before the key, in presentation form without escapes."""
        subdomains = [name[: len(name) - len(self.key)] for name in names]
        return sum(len(subdomain) - 1 for subdomain in subdomains if subdomain)

    def note_peaks(self, now_pane: int) -> None:
        """Raise the peaks to what lives now."""
        for window in range(len(WINDOW_PANES)):
            names = self.live_names(now_pane, window)
            self.peak_names[window] = max(self.peak_names[window], len(names))
            information = self.information_bytes(names)
            self.peak_information[window] = max(self.peak_information[window], information)

    def summary(self, window: int, unique_hostnames: int, information: int) -> DomainSummary:
        """What people are shown: these numbers of the window, and totals of all rows."""
        queries = [row for row in self.rows if row.outcome != Outcome.UNSOLICITED]
        responses = [row for row in self.rows if row.outcome != Outcome.UNANSWERED]
        clients = Counter({row.client: 0 for row in self.rows})
        clients.update(row.client for row in queries)
        samples = {name.lower(): name for _, name in reversed(self.sightings)}
        first_names = dict.fromkeys(name.lower() for _, name in self.sightings)
        return DomainSummary(
            registered_domain=presentation_form(self.key),
            window_seconds=WINDOW_PANES[window] * 60,
            unique_hostnames=unique_hostnames,
            unique_hostnames_lower=unique_hostnames,
            unique_hostnames_upper=unique_hostnames + self.refused,
            exact=self.refused == 0,
            information_bytes=information,
            queries=len(queries),
            unanswered=sum(row.outcome == Outcome.UNANSWERED for row in queries),
            bytes_in=sum(row.bytes_in for row in self.rows),
            bytes_out=sum(row.bytes_out for row in self.rows),
            clients=len(clients),
            clients_exact=True,
            top_clients=tuple(
                ClientQueries(client, count)
                for client, count in sorted(
                    clients.items(), key=lambda item: (-item[1], address_number(item[0]))
                )
            ),
            query_types=Counter(query_type_name(row.query_type) for row in queries),
            response_codes=Counter(response_code_name(row.response_code) for row in responses),
            first_seen_us=min(row.time_us for row in self.rows),
            last_seen_us=max(row.time_us for row in self.rows),
            sample_names=tuple(presentation_form(samples[name]) for name in list(first_names)[:8]),
            allowed=self.is_allowed,
        )


class WindowModel:
    """All keys. The clock is the largest `completed_us` so far, or the last minute mark."""

    def __init__(
        self,
        *,
        allow_list: Sequence[bytes] = (),
        exact_cap_names: int = NO_LIMIT,
    ) -> None:
        self.domains: dict[bytes, DomainModel] = {}
        self.clock_us = -1
        self.late_rows = 0
        self.names_at_cap = 0
        self._allow_list = allow_list
        self._exact_cap_names = exact_cap_names

    @property
    def now_pane(self) -> int:
        """The pane that the windows end with."""
        return self.clock_us // PANE_US

    def advance(self, clock_us: int) -> None:
        """A minute mark; the caller lets go of what is empty then."""
        self.clock_us = max(self.clock_us, clock_us)

    def let_go(self, kept: Container[bytes] = ()) -> None:
        """Forget the keys without a live name, but for those with an open alert."""
        for key, domain in list(self.domains.items()):
            if not domain.live_names(self.now_pane, -1) and key not in kept:
                del self.domains[key]

    def add(
        self, row: Row, latest_us: int = FAR_US, kept: Container[bytes] = ()
    ) -> DomainModel | None:
        """Count a row under its key, which is returned; None where the row doesn't count."""
        self.advance(min(row.completed_us, latest_us))
        self.let_go(kept)
        pane = min(min(row.time_us, latest_us) // PANE_US, self.now_pane)
        if pane <= self.now_pane - WINDOW_PANES[-1]:
            self.late_rows += 1
            return None
        key, is_allowed = self._key(row)
        if key not in self.domains:
            self.domains[key] = DomainModel(key, is_allowed)
        domain = self.domains[key]
        domain.rows.append(_dated_at_most(row, latest_us))
        live = domain.live_names(self.now_pane, -1)
        if row.name.lower() in live:
            domain.sightings.append((pane, row.name))
        elif len(live) >= self._exact_cap_names:
            domain.refused += 1
            self.names_at_cap += 1
        else:
            domain.sightings.append((pane, row.name))
        domain.note_peaks(self.now_pane)
        return domain

    def live_names(self) -> int:
        """How many names of all keys live in the longest window."""
        return sum(len(domain.live_names(self.now_pane, -1)) for domain in self.domains.values())

    def now(self, key: bytes, window: int) -> DomainSummary:
        """A key with what lives in a window now."""
        domain = self.domains[key]
        names = domain.live_names(self.now_pane, window)
        return domain.summary(window, len(names), domain.information_bytes(names))

    def at_peak(self, key: bytes, window: int) -> DomainSummary:
        """A key with the most that ever lived in a window."""
        domain = self.domains[key]
        return domain.summary(window, domain.peak_names[window], domain.peak_information[window])

    def _key(self, row: Row) -> tuple[bytes, bool]:
        """The registered domain, or the longest covering entry where that has more labels."""
        suffixes = {row.name[start:].lower(): start for start in borders(row.name)}
        covering = [suffixes[entry] for entry in self._allow_list if entry in suffixes]
        start = min([row.domain_offset, *covering])
        return row.name[start:].lower(), bool(covering)


def presentation_form(name: bytes) -> str:
    """A wire name as people read it: `\\DDD` for what could be misread, the root as a dot."""
    starts = borders(name)
    labels = [name[start + 1 : end] for start, end in itertools.pairwise(starts)]
    return ".".join("".join(map(_character, label)) for label in labels) or "."


def _character(byte: int) -> str:
    return chr(byte) if 0x20 < byte < 0x7F and byte not in b".\\" else f"\\{byte:03}"


def _dated_at_most(row: Row, latest_us: int) -> Row:
    return replace(row, time_us=min(row.time_us, latest_us))
