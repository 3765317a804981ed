from geophone_alerter.incidents import MOST_OPEN_ALERTS, Incidents
from geophone_shared.notifications import incident_id
from tests.support.alert_events import MINUTE_US, OPENED_US, create_alert


def test_an_incident_is_named_by_its_domain_and_its_first_opening() -> None:
    incidents = Incidents()
    burst = incidents.observe(create_alert("Tunnel.example", rule="burst"))
    names = incidents.observe(create_alert("tunnel.example", opened_us=OPENED_US + 3))
    assert burst is not None
    assert burst.id == incident_id("tunnel.example", OPENED_US)
    assert (burst.registered_domain, burst.opened_at_us) == ("Tunnel.example", OPENED_US)
    assert names == burst


def test_domains_have_incidents_of_their_own() -> None:
    incidents = Incidents()
    one = incidents.observe(create_alert("one.example"))
    assert incidents.observe(create_alert("two.example")) != one


def test_it_ends_when_all_of_its_alerts_have_recovered() -> None:
    incidents = Incidents()
    first = incidents.observe(create_alert(rule="burst"))
    incidents.observe(create_alert(rule="slow"))
    over = incidents.observe(create_alert(rule="burst", state="recovered", after_us=1))
    again = incidents.observe(create_alert(rule="burst", opened_us=OPENED_US + MINUTE_US))
    assert over == again == first

    for rule, opened_us in (("burst", OPENED_US + MINUTE_US), ("slow", OPENED_US)):
        event = create_alert(
            rule=rule, opened_us=opened_us, state="recovered", after_us=2 * MINUTE_US
        )
        assert incidents.observe(event) == first
    later = incidents.observe(create_alert(opened_us=OPENED_US + 9 * MINUTE_US))
    assert later is not None
    assert later != first


def test_a_repeat_is_no_event() -> None:
    incidents = Incidents()
    events = [
        create_alert(),
        create_alert(state="updated", value=402, after_us=MINUTE_US),
        create_alert(state="recovered", after_us=2 * MINUTE_US),
    ]
    assert None not in [incidents.observe(event) for event in events]
    # A detector that starts again says everything again.
    assert [incidents.observe(event) for event in events] == [None, None, None]


def test_an_older_capture_is_no_repeat() -> None:
    incidents = Incidents()
    assert incidents.observe(create_alert(opened_us=OPENED_US)) is not None
    assert incidents.observe(create_alert(opened_us=OPENED_US - 1)) is not None


def test_a_recovery_of_an_unknown_alert_is_an_event() -> None:
    incidents = Incidents()
    assert incidents.observe(create_alert(state="recovered", after_us=1)) is not None
    assert incidents.forgotten == 0


def test_it_is_bounded_and_counts_what_it_forgets() -> None:
    incidents = Incidents(most_domains=2, most_alerts=3)
    for number in range(5):
        incidents.observe(create_alert(f"{number}.example"))
    assert incidents.forgotten == 3 + 2


def test_a_forged_flood_of_alerts_does_not_grow_an_incident() -> None:
    incidents = Incidents()
    first = incidents.observe(create_alert(rule="rule 0"))
    rules = [f"rule {number}" for number in range(2 * MOST_OPEN_ALERTS)]
    for rule in rules:
        incidents.observe(create_alert(rule=rule))
    for rule in rules[:MOST_OPEN_ALERTS]:
        last = incidents.observe(create_alert(rule=rule, state="recovered", after_us=1))
        assert last == first
    # It waited for as many as it knows, and for no more.
    assert incidents.observe(create_alert(opened_us=OPENED_US + 5)) != first
