"""Lists of top domains, as few words as tests need."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from geophone_shared.summaries import DomainSummary, WindowCounts
from geophone_shared.top_domains import ListedDomain, TopList


def top_list(
    partition: int,
    as_of_us: int,
    windows: Mapping[int, Sequence[DomainSummary]],
    position: int = 0,
) -> TopList:
    """A list of one partition, from the domains that each window has."""
    by_name: dict[str, list[DomainSummary]] = {}
    for window_seconds, summaries in sorted(windows.items()):
        for summary in summaries:
            in_window = replace(summary, window_seconds=window_seconds)
            by_name.setdefault(summary.registered_domain, []).append(in_window)
    return TopList(
        partition=partition,
        as_of_us=as_of_us,
        position=position,
        windows=tuple(windows),
        domains=tuple(
            ListedDomain(summaries[-1], tuple(_counts(summary) for summary in summaries))
            for summaries in by_name.values()
        ),
    )


def in_window(top: TopList, window_seconds: int) -> list[DomainSummary]:
    """The domains of a window, the one with the most hostnames first, equal ones by name."""
    summaries = [
        domain.in_window(counts)
        for domain in top.domains
        for counts in domain.windows
        if counts.window_seconds == window_seconds
    ]
    return sorted(summaries, key=lambda each: (-each.unique_hostnames, each.registered_domain))


def _counts(summary: DomainSummary) -> WindowCounts:
    return WindowCounts(*(getattr(summary, name) for name in WindowCounts._fields))
