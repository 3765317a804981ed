"""Lists of top domains, as few words as the tests of the alerter need."""

from collections.abc import Mapping

from geophone_shared.summaries import DomainSummary
from geophone_shared.top_domains import TopList


def top_list(
    partition: int,
    as_of_us: int,
    windows: Mapping[int, tuple[DomainSummary, ...]],
    position: int = 0,
) -> TopList:
    """A list of one partition."""
    return TopList(partition=partition, as_of_us=as_of_us, position=position, windows=windows)
