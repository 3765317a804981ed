"""Health over time, drawn as what is reported when and what a probe then sees."""

import pytest

from geophone_shared.health import Check, Condition, Health

CONDITIONS = (
    Condition("loop", "liveness", valid_seconds=5),
    Condition("assigned", "readiness"),
    Condition("log", "readiness", valid_seconds=30),
)


@pytest.fixture
def health() -> Health:
    return Health(CONDITIONS, 100)


def is_live(health: Health, now_seconds: float) -> bool:
    return all(check.is_ok for check in health.liveness(now_seconds))


def is_ready(health: Health, now_seconds: float) -> bool:
    return all(check.is_ok for check in health.readiness(now_seconds))


def has_started(health: Health) -> bool:
    return all(check.is_ok for check in health.startup())


def test_at_first_a_process_lives_and_is_not_ready(health: Health) -> None:
    assert health.liveness(100) == [Check("loop", is_ok=True, detail="", since_seconds=100)]
    assert health.readiness(100) == [
        Check("assigned", is_ok=False, detail="not yet", since_seconds=100),
        Check("log", is_ok=False, detail="not yet", since_seconds=100),
    ]
    assert not has_started(health)


def test_a_loop_that_hangs_is_not_alive_until_it_goes_on(health: Health) -> None:
    health.report("loop", 103)
    assert is_live(health, 108)
    assert not is_live(health, 108.1)
    assert health.liveness(120) == [
        Check("loop", is_ok=False, detail="no news for more than 5 s", since_seconds=108)
    ]
    health.report("loop", 130)
    assert health.liveness(131) == [Check("loop", is_ok=True, detail="", since_seconds=130)]


def test_since_is_when_it_changed_and_not_the_last_report(health: Health) -> None:
    for now_seconds in (101, 102, 103):
        health.report("loop", now_seconds)
        health.report("log", now_seconds, is_ok=False, detail=f"attempt {now_seconds}")
    assert health.liveness(104) == [Check("loop", is_ok=True, detail="", since_seconds=100)]
    assert health.readiness(104)[1] == Check(
        "log", is_ok=False, detail="attempt 103", since_seconds=100
    )


def test_a_broker_that_is_away_makes_it_not_ready_and_leaves_it_alive(health: Health) -> None:
    health.report("assigned", 101)
    health.report("log", 101)
    assert is_ready(health, 102)
    health.report("log", 103, is_ok=False, detail="no broker answers")
    for now_seconds in range(103, 1_000):
        health.report("loop", now_seconds)
    assert not is_ready(health, 999)
    assert is_live(health, 999)
    health.report("log", 1_000)
    assert is_ready(health, 1_000)


def test_a_report_of_readiness_gets_old(health: Health) -> None:
    health.report("assigned", 101)
    health.report("log", 101)
    assert is_ready(health, 131)
    assert not is_ready(health, 132)
    assert [check.name for check in health.readiness(10_000) if not check.is_ok] == ["log"]


def test_it_has_started_when_each_condition_held_once(health: Health) -> None:
    health.report("assigned", 101)
    assert not has_started(health)
    health.report("assigned", 102, is_ok=False)
    health.report("log", 103)
    assert has_started(health), "although it isn't ready"
    assert not is_ready(health, 103)
    health.report("log", 104, is_ok=False)
    assert health.startup()[1] == Check("log", is_ok=True, detail="", since_seconds=103)


def test_a_drain_ends_readiness_and_nothing_else(health: Health) -> None:
    health.report("assigned", 101)
    health.report("log", 101)
    health.drain(102)
    assert not is_ready(health, 102)
    assert health.readiness(103)[-1] == Check("draining", is_ok=False, detail="", since_seconds=102)
    assert is_live(health, 103)
    assert has_started(health)


def test_a_condition_that_nobody_declared_is_an_error(health: Health) -> None:
    with pytest.raises(KeyError):
        health.report("no such thing", 101)
