"""When so many records can't be read that a person should look."""

from geophone_detector.refusals import Refusals


def after(refused: int, good: int) -> Refusals:
    refusals = Refusals()
    for is_refused in [False] * good + [True] * refused:
        refusals.observe(is_refused=is_refused)
    return refusals


def test_a_few_are_put_up_with() -> None:
    assert not after(9, 0).are_too_many
    assert after(10, 0).are_too_many
    assert after(10, 89).are_too_many


def test_one_in_ten_is_put_up_with() -> None:
    assert not after(10, 90).are_too_many
    assert not after(100, 900).are_too_many
    assert after(101, 899).are_too_many


def test_what_is_long_ago_is_forgotten() -> None:
    refusals = after(101, 899)
    for _ in range(900):
        refusals.observe(is_refused=False)
    assert refusals.are_too_many is False
    assert len(refusals) == 100
