from dataclasses import replace

from hypothesis import given
from hypothesis import strategies as st

from geophone_alerter.top_store import TopStore
from geophone_shared.summaries import DomainSummary
from tests.support.golden import ALERT
from tests.support.top_lists import top_list

HOURS = 14_400


def summary(name: str, hostnames: int, *, allowed: bool = False) -> DomainSummary:
    return replace(
        ALERT.evidence, registered_domain=name, unique_hostnames=hostnames, allowed=allowed
    )


def names(found: list[DomainSummary]) -> list[str]:
    return [each.registered_domain for each in found]


def test_a_list_takes_the_place_of_its_partitions_earlier_one() -> None:
    store = TopStore()
    assert (store.as_of_us, store.positions, store.find("a.example")) == (None, {}, {})
    store.apply(top_list(0, 5, {HOURS: (summary("a.example", 9),)}, position=3))
    store.apply(top_list(1, 7, {HOURS: (summary("b.example", 8),)}))
    version = store.version
    store.apply(top_list(0, 6, {HOURS: (summary("c.example", 7),), 600: ()}))
    assert store.version != version
    assert names(store.ranked(HOURS, 10, exclude_allowed=False)) == ["b.example", "c.example"]
    assert store.ranked(600, 10, exclude_allowed=False) == []
    assert store.as_of_us == 7
    assert store.find("a.example") == {}
    assert store.positions == {0: 0, 1: 0}


def test_a_domain_is_found_in_all_windows_whatever_the_case() -> None:
    store = TopStore()
    long = summary("Tunnel.example", 4)
    short = replace(long, window_seconds=600, unique_hostnames=3)
    store.apply(top_list(2, 1, {600: (short,), HOURS: (long,)}))
    assert store.find("tunnel.EXAMPLE") == {600: short, HOURS: long}


@given(
    st.dictionaries(
        st.integers(0, 40), st.tuples(st.integers(0, 3), st.integers(0, 9), st.booleans())
    ),
    st.integers(1, 50),
    st.booleans(),
)
def test_the_merged_list_is_that_of_one_partition(
    domains: dict[int, tuple[int, int, bool]], limit: int, exclude_allowed: bool
) -> None:
    store = TopStore()
    whole = []
    for partition in range(4):
        own = [
            summary(f"{number}.example", hostnames, allowed=allowed)
            for number, (where, hostnames, allowed) in domains.items()
            if where == partition
        ]
        whole += own
        store.apply(top_list(partition, 1, {HOURS: tuple(own)}))
    wanted = sorted(
        (each for each in whole if not (exclude_allowed and each.allowed)),
        key=lambda each: (-each.unique_hostnames, each.registered_domain),
    )
    assert store.ranked(HOURS, limit, exclude_allowed=exclude_allowed) == wanted[:limit]
