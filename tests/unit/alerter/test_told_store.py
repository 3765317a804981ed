from geophone_alerter.told_store import ToldStore
from tests.support.alert_events import create_alert, create_notification


def test_an_alert_has_its_notifications_in_their_order() -> None:
    store = ToldStore()
    one, other = create_alert(), create_alert(rule="burst")
    both = create_notification(one, other)
    log = create_notification(one, channel="log", targets=("file",))
    store.apply(both)
    store.apply(log)
    assert store.of(one.id) == (both, log)
    assert store.of(other.id) == (both,)
    assert store.of("unknown") == ()


def test_both_bounds_hold() -> None:
    store = ToldStore(most=2)
    for number in range(3):
        for at_us in range(40):
            store.apply(create_notification(create_alert(f"{number}.example"), at_us=at_us))
    assert store.of(create_alert("0.example").id) == ()
    kept = store.of(create_alert("2.example").id)
    assert [each.at_us for each in kept] == list(range(8, 40))
    assert store.forgotten == 1
