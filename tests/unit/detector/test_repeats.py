"""Which batches of the log came before."""

from hypothesis import given
from hypothesis import strategies as st

from geophone_detector.repeats import Repeats


def test_repeats_and_gaps_are_told() -> None:
    repeats = Repeats()
    sequences = [0, 1, 1, 0, 2, 5, 4, 6]
    assert [repeats.missing_before("a", sequence) for sequence in sequences] == [
        0,
        0,
        None,
        None,
        0,
        2,
        None,
        0,
    ]


def test_of_a_producer_that_is_new_nothing_is_missed() -> None:
    repeats = Repeats()
    assert repeats.missing_before("a", 7) == 0
    assert repeats.missing_before("b", 0) == 0
    assert repeats.missing_before("a", 9) == 1


def test_the_one_not_heard_of_for_longest_makes_room() -> None:
    repeats = Repeats(most_producers=2)
    for producer in ("a", "b", "a", "c"):
        repeats.missing_before(producer, 5)
    assert repeats.forgotten == 1
    assert repeats.last_sequences == [("a", 5), ("c", 5)]
    assert repeats.missing_before("b", 5) == 0


def test_a_repeat_is_news_of_its_producer() -> None:
    repeats = Repeats(most_producers=2)
    for producer, sequence in (("a", 1), ("b", 1), ("a", 0), ("c", 1)):
        repeats.missing_before(producer, sequence)
    assert repeats.last_sequences == [("a", 1), ("c", 1)]


def test_more_producers_than_there_is_room_for_are_not_restored() -> None:
    repeats = Repeats(most_producers=2)
    repeats.restore([("a", 1), ("b", 2), ("c", 3)])
    assert repeats.last_sequences == [("b", 2), ("c", 3)]


@given(
    st.lists(st.tuples(st.sampled_from("abc"), st.integers(0, 9)), max_size=40), st.integers(0, 40)
)
def test_it_goes_on_where_it_was(records: list[tuple[str, int]], cut: int) -> None:
    whole, begun, restored = Repeats(2), Repeats(2), Repeats(2)
    said = [whole.missing_before(*record) for record in records]
    before = [begun.missing_before(*record) for record in records[:cut]]
    restored.restore(begun.last_sequences)
    assert before + [restored.missing_before(*record) for record in records[cut:]] == said
