from hypothesis import given
from hypothesis import strategies as st

from geophone_alerter.alert_store import AlertStore, StateFilter
from geophone_shared.alerts import Alert
from tests.support.alert_events import OPENED_US, SECOND_US, create_alert


def opened(number: int) -> Alert:
    return create_alert(f"{number}.example", opened_us=OPENED_US + number)


def test_the_newest_come_first_each_in_its_last_state() -> None:
    store = AlertStore()
    store.apply(opened(0), 10)
    store.apply(opened(1), 11)
    recovered = create_alert("0.example", state="recovered", after_us=SECOND_US)
    assert store.apply(recovered, 12)
    assert store.page("all", 10).alerts == (opened(1), recovered)
    assert store.page("open", 10).alerts == (opened(1),)
    assert store.page("recovered", 10).alerts == (recovered,)
    assert store.latest_us == OPENED_US + SECOND_US


def test_what_is_no_later_than_what_is_known_is_no_news() -> None:
    store = AlertStore()
    updated = create_alert(state="updated", after_us=SECOND_US)
    assert store.apply(updated, 1)
    assert not store.apply(updated, 2)
    assert not store.apply(create_alert(), 3)
    assert store.get(updated.id) == updated
    assert store.get("other") is None


def test_the_first_makes_room_and_is_counted() -> None:
    store = AlertStore(most=2)
    for number in range(5):
        store.apply(opened(number), number)
    assert store.page("all", 10).alerts == (opened(4), opened(3))
    assert (len(store), store.forgotten) == (2, 3)


@given(
    st.lists(st.sampled_from(["opened", "recovered"]), max_size=30),
    st.sampled_from(["open", "recovered", "all"]),
    st.integers(1, 7),
)
def test_pages_together_are_everything_once_while_alerts_arrive(
    states: list[str], state: StateFilter, limit: int
) -> None:
    store = AlertStore()
    for number, each in enumerate(states):
        store.apply(opened(number), 2 * number)
        if each == "recovered":
            recovered = create_alert(
                f"{number}.example",
                state="recovered",
                opened_us=OPENED_US + number,
                after_us=SECOND_US,
            )
            store.apply(recovered, 2 * number + 1)
    wanted = store.page(state, 1_000)
    assert wanted.next is None
    found: list[Alert] = []
    cursor = None
    for page_number in range(100):
        page = store.page(state, limit, cursor)
        assert len(page.alerts) <= limit
        found += page.alerts
        store.apply(opened(1_000 + page_number), 1_000 + page_number)
        cursor = page.next
        if cursor is None:
            break
    assert tuple(found) == wanted.alerts
