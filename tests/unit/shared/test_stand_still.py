from geophone_shared.bus.records import TopicPartition
from geophone_shared.stand_still import StandStill

A, B = TopicPartition("t", 0), TopicPartition("t", 1)


def test_only_a_position_that_stays_before_its_end_is_stuck() -> None:
    still = StandStill(still_seconds=10)
    assert not still.is_stuck({A: 5, B: 5}, {A: 5, B: 9}, 0)
    assert not still.is_stuck({A: 5, B: 6}, {A: 5, B: 9}, 9)
    assert not still.is_stuck({A: 5, B: 6}, {A: 6, B: 9}, 18)
    assert still.is_stuck({A: 5, B: 6}, {A: 6, B: 99}, 19)


def test_who_reaches_the_end_begins_anew() -> None:
    still = StandStill(still_seconds=10)
    assert not still.is_stuck({A: 5}, {A: 6}, 0)
    assert not still.is_stuck({A: 6}, {A: 6}, 5)
    assert not still.is_stuck({A: 6}, {A: 7}, 50)
    assert still.is_stuck({A: 6}, {A: 7}, 60)


def test_who_holds_nothing_is_never_stuck() -> None:
    still = StandStill(still_seconds=0)
    assert not still.is_stuck({}, {}, 100)
