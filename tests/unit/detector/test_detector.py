"""What the detector says, and when; property tests compare it with brute force."""

import hashlib

import pytest

from geophone_detector import windows as windows_module
from geophone_detector.detector import Detector
from geophone_detector.rules import SHIPPED_RULES
from geophone_shared.hashing import SecretKey
from geophone_shared.names import wire_name
from geophone_shared.suffixes import compile_suffix_set
from tests.support.detector_rows import (
    DAY_US,
    DOMAIN,
    HOUR_US,
    MINUTE_US,
    NOON_US,
    SECOND_US,
    YEAR_US,
    Row,
    hosts,
    row,
)
from tests.support.window_driver import brief, create_detector, create_rule, observe

pytestmark = pytest.mark.kernels

NAMES = create_rule("names", window_seconds=600, threshold=10)
BYTES = create_rule(
    "bytes", "information_bytes", window_seconds=600, threshold=40, severity="medium"
)


def test_an_alert_opens_at_the_row_that_crosses_with_that_row_in_its_evidence() -> None:
    detector = create_detector([NAMES])
    rows = hosts(range(12), NOON_US)
    [alert] = observe(detector, rows)
    crossing = rows[9]
    assert (alert.state, alert.rule, alert.severity) == ("opened", "names", "high")
    assert alert.opened_at_us == alert.updated_at_us == crossing.completed_us
    assert alert.recovered_at_us is None
    assert (alert.measure, alert.value, alert.threshold) == ("unique_hostnames", 10, 10)
    assert alert.window_seconds == alert.evidence.window_seconds == 600
    assert alert.evidence.unique_hostnames == alert.evidence.queries == 10
    assert alert.evidence.last_seen_us == crossing.time_us
    assert alert.evidence.information_bytes == 30


def test_the_id_is_a_digest_of_rule_domain_and_time() -> None:
    [alert] = observe(create_detector([NAMES]), hosts(range(10), NOON_US))
    message = f"names\0pirate.sea\0{NOON_US + 9}".encode()
    assert alert.id == hashlib.blake2b(message, digest_size=16).hexdigest()


def test_a_rule_that_must_be_exceeded_does_not_open_at_its_threshold() -> None:
    rule = create_rule(window_seconds=600, threshold=10, must_exceed=True)
    [alert] = observe(create_detector([rule]), hosts(range(12), NOON_US))
    assert (alert.value, alert.opened_at_us) == (11, NOON_US + 10)


def test_the_shipped_rules_open_where_they_say() -> None:
    """40 information bytes a name: 103 names make 4,096, 252 make 10,080, 605 make 24,192."""
    rows = [row(f"{number:040}", DOMAIN, NOON_US + number) for number in range(700)]
    detector = Detector(SHIPPED_RULES, compile_suffix_set([]), SecretKey.derived_from(b"tests"))
    opened = [event for event in observe(detector, rows) if event.state == "opened"]
    assert brief(opened) == [
        ("burst", "opened", 102, 4_120),
        ("unique-hostnames", "opened", 200, 201),
        ("information", "opened", 251, 10_080),
        ("slow", "opened", 604, 24_200),
    ]
    # burst and unique-hostnames are high as they are; each of the others is a second rule.
    assert {event.severity for event in opened} == {"high"}


def test_what_doubles_within_a_minute_waits_for_the_first_edge_after_it() -> None:
    #   12:00:20       12:00:50    12:01:00          12:02:00
    #   ▲ opened, 10   ▲ 20 names  │ too early       │ updated, 22
    detector = create_detector([NAMES])
    observe(detector, hosts(range(10), NOON_US + 20 * SECOND_US))
    assert observe(detector, hosts(range(10, 22), NOON_US + 50 * SECOND_US)) == []
    assert detector.advance(NOON_US + MINUTE_US) == []
    events = detector.advance(NOON_US + 2 * MINUTE_US)
    assert brief(events) == [("names", "updated", 2 * MINUTE_US, 22)]
    # The next update is at twice of what was said last, not at twice of 20.
    at_us = NOON_US + 4 * MINUTE_US
    events = observe(detector, hosts(range(22, 50), at_us))
    assert brief(events) == [("names", "updated", 4 * MINUTE_US + 21, 44)]


def test_what_doubles_after_a_minute_is_said_at_its_row() -> None:
    detector = create_detector([NAMES])
    [opened] = observe(detector, hosts(range(10), NOON_US))
    [updated] = observe(detector, hosts(range(10, 30), NOON_US + 90 * SECOND_US))
    assert brief([updated]) == [("names", "updated", 90 * SECOND_US + 9, 20)]
    assert updated.id == opened.id
    assert updated.opened_at_us == opened.opened_at_us
    assert updated.evidence == opened.evidence


def test_an_alert_recovers_ten_minutes_after_the_edge_at_which_it_became_quiet() -> None:
    #   12:00      12:10                    12:20
    #   ▲ opened   │ all names have left    │ recovered
    detector = create_detector([NAMES])
    [opened] = observe(detector, hosts(range(10), NOON_US + 30 * SECOND_US))
    assert detector.advance(NOON_US + 20 * MINUTE_US - 1) == []
    [recovered] = detector.advance(NOON_US + 20 * MINUTE_US)
    assert brief([recovered]) == [("names", "recovered", 20 * MINUTE_US, 0)]
    assert recovered.recovered_at_us == NOON_US + 20 * MINUTE_US
    assert (recovered.id, recovered.evidence) == (opened.id, opened.evidence)
    assert detector.advance(NOON_US + DAY_US) == []


@pytest.mark.parametrize(("names_left", "is_quiet"), [(7, True), (8, False)])
def test_quiet_is_below_eight_tenths_of_the_threshold(*, names_left: int, is_quiet: bool) -> None:
    #   12:00              12:05            12:10          12:15
    #   ▲ opened           ▲ some again     │ the others   │ these leave too
    #                                       │ have left    │
    detector = create_detector([NAMES])
    observe(detector, hosts(range(10), NOON_US))
    observe(detector, hosts(range(names_left), NOON_US + 5 * MINUTE_US))
    quiet_since_us = 10 * MINUTE_US if is_quiet else 15 * MINUTE_US
    events = detector.advance(NOON_US + HOUR_US)
    assert brief(events) == [("names", "recovered", quiet_since_us + 10 * MINUTE_US, 0)]


def test_a_value_that_returns_between_two_edges_starts_the_ten_minutes_anew() -> None:
    #   12:00      12:10    12:12:30          12:22    12:32
    #   ▲ opened   │ quiet  ▲ 8 names again   │ quiet  │ recovered
    #                         (0.8 × 10)        again    (12:20 without them)
    detector = create_detector([NAMES])
    observe(detector, hosts(range(10), NOON_US))
    back_us = NOON_US + 12 * MINUTE_US + 30 * SECOND_US
    assert observe(detector, hosts(range(8), back_us)) == []
    events = detector.advance(NOON_US + HOUR_US)
    assert brief(events) == [("names", "recovered", 32 * MINUTE_US, 0)]


def test_a_value_that_returns_and_leaves_before_the_next_edge_is_quiet_again_from_there() -> None:
    """Rows dated nine minutes back leave with the next edge: no edge ever saw the value high."""
    #   12:00      12:10    12:12:30               12:13         12:23
    #   ▲ opened   │ quiet  ▲ 8 names, dated       │ quiet       │ recovered
    #                         12:03                  again
    detector = create_detector([NAMES])
    observe(detector, hosts(range(10), NOON_US))
    back_us = NOON_US + 12 * MINUTE_US + 30 * SECOND_US
    dated = [
        row(f"h{number:02}", DOMAIN, back_us, time_us=NOON_US + 3 * MINUTE_US)
        for number in range(8)
    ]
    assert observe(detector, dated) == []
    events = detector.advance(NOON_US + HOUR_US)
    assert brief(events) == [("names", "recovered", 23 * MINUTE_US, 0)]


def test_a_jump_of_a_year_dates_recovery_to_its_edge() -> None:
    detector = create_detector(SHIPPED_RULES)
    rows = [row(f"h{number}", DOMAIN, NOON_US + number) for number in range(201)]
    observe(detector, rows)
    events = observe(detector, [row("new", DOMAIN, NOON_US + YEAR_US)])
    assert brief(events) == [("unique-hostnames", "recovered", 4 * HOUR_US + 10 * MINUTE_US, 0)]


def test_what_comes_back_after_recovery_is_another_alert() -> None:
    detector = create_detector([NAMES])
    [first] = observe(detector, hosts(range(10), NOON_US))
    events = observe(detector, hosts(range(10), NOON_US + HOUR_US))
    assert [(event.rule, event.state) for event in events] == [
        ("names", "recovered"),
        ("names", "opened"),
    ]
    assert events[0].id == first.id
    assert events[1].id != first.id
    assert events[1].opened_at_us == NOON_US + HOUR_US + 9


def test_alerts_on_allowed_domains_are_opened_and_say_so() -> None:
    detector = create_detector([NAMES], allow_list=["sea"])
    [alert] = observe(detector, hosts(range(10), NOON_US))
    assert alert.allowed
    assert alert.evidence.allowed


def test_names_under_a_finer_entry_are_judged_apart() -> None:
    detector = create_detector([NAMES], allow_list=["avqs.mcafee.com"])
    rows = [row(f"h{number}.avqs", "mcafee.com", NOON_US + number) for number in range(10)]
    rows += [row(f"h{number}", "mcafee.com", NOON_US + 10 + number) for number in range(10)]
    one, two = observe(detector, rows)
    assert (one.registered_domain, one.allowed) == ("avqs.mcafee.com", True)
    assert (two.registered_domain, two.allowed) == ("mcafee.com", False)
    assert two.evidence.unique_hostnames == 10


def test_an_update_below_the_threshold_is_not_repeated() -> None:
    """What has fallen to nothing has not doubled, even if its severity was news."""
    #   12:00:00             12:00:01                      12:01
    #   ▲ bytes: 40,         ▲ names opened, so bytes      │ bytes: 0 and updated (its
    #     dated 11:51          is more severe              │ severity), then quiet
    detector = create_detector([NAMES, BYTES])
    dated_us = NOON_US - 9 * MINUTE_US
    rows = [row("f" * 40, DOMAIN, NOON_US, time_us=dated_us)]
    rows += [
        row(f"h{number:02}", DOMAIN, NOON_US + SECOND_US, time_us=dated_us) for number in range(9)
    ]
    observe(detector, rows)
    events = detector.advance(NOON_US + HOUR_US)
    assert brief(events) == [
        ("bytes", "updated", MINUTE_US, 0),
        ("bytes", "recovered", 11 * MINUTE_US, 0),
        ("names", "recovered", 11 * MINUTE_US, 0),
    ]


def test_an_alert_on_rows_dated_too_far_ahead_is_of_the_latest_time_that_may_be() -> None:
    """Otherwise it would recover before it opened, and wait for years to be updated."""
    detector = create_detector([NAMES])
    events = observe(detector, hosts(range(10), NOON_US + YEAR_US), latest_us=NOON_US)
    assert brief(events) == [("names", "opened", 0, 10)]
    assert events[0].opened_at_us == NOON_US
    events = observe(detector, hosts(range(10, 20), NOON_US + YEAR_US), NOON_US + 61 * SECOND_US)
    assert brief(events) == [("names", "updated", 61 * SECOND_US, 20)]


def test_a_minute_mark_before_the_first_row_sets_the_clock() -> None:
    detector = create_detector([NAMES])
    assert detector.advance(NOON_US) == []
    assert detector.advance(NOON_US - HOUR_US) == []
    assert observe(detector, hosts(range(10), NOON_US - DAY_US)) == []
    assert detector.windows.tables.heads[0]["late_rows"] == 10


def test_an_alert_of_a_slower_producer_opens_at_its_own_rows_time() -> None:
    detector = create_detector([NAMES])
    detector.advance(NOON_US + 5 * MINUTE_US)
    events = observe(detector, hosts(range(10), NOON_US))
    assert brief(events) == [("names", "opened", 9, 10)]


def test_alerts_beyond_the_watches_are_refused_and_counted(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Until one is given back: a domain that was refused is then judged again."""
    monkeypatch.setattr(windows_module, "WATCH_CAPACITY", 3)  # two of them are everyone's
    detector = create_detector([create_rule(window_seconds=600, threshold=2)])

    def rows(domain: str, hosts: str, at_us: int) -> list[Row]:
        return [row(host, domain, at_us) for host in hosts]

    events = observe(detector, rows("one.example", "ab", NOON_US))
    assert [event.registered_domain for event in events] == ["one.example"]
    assert observe(detector, rows("two.example", "abcd", NOON_US)) == []
    assert detector.alerts_refused == 1
    [recovered] = detector.advance(NOON_US + HOUR_US)
    assert recovered.registered_domain == "one.example"
    events = observe(detector, rows("two.example", "ab", NOON_US + HOUR_US))
    assert [(event.registered_domain, event.state) for event in events] == [
        ("two.example", "opened")
    ]
    assert detector.alerts_refused == 1


def test_nothing_is_said_of_nothing() -> None:
    detector = create_detector()
    assert observe(detector, []) == []
    assert detector.windows.now_pane is None


def test_a_wire_name_with_any_bytes_is_judged_like_another() -> None:
    name = bytes([4, 0, 0xFF, 0x2E, 0x5C])
    rows = [
        Row(
            name=bytes([1, number]) + name + wire_name(DOMAIN),
            domain_offset=2,
            completed_us=NOON_US,
            time_us=NOON_US,
        )
        for number in range(10)
    ]
    [alert] = observe(create_detector([NAMES]), rows)
    assert alert.registered_domain == r"\000\255\046\092.pirate.sea"
    assert alert.evidence.sample_names[:2] == (
        r"\000.\000\255\046\092.pirate.sea",
        r"\001.\000\255\046\092.pirate.sea",
    )
    assert alert.evidence.information_bytes == 10
