import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_shared.bus.records import Headers, Record, StoredRecord, TopicPartition
from geophone_shared.bus.topics import DEAD_LETTERS, RECORD_LIMIT_BYTES, declared_topics
from geophone_shared.dead_letters import DeadLetter, dead_letter, decode_dead_letter
from geophone_shared.errors import InvalidRecordError

PLACE = TopicPartition("dns.alerts", 3)
NAMES = st.sampled_from(["topic", "partition", "offset", "reason", "key", "schema", "größe"])
HEADERS = st.lists(st.tuples(NAMES, st.binary(max_size=20)), max_size=8).map(tuple)


@given(st.binary(max_size=40), st.none() | st.binary(min_size=1, max_size=9), HEADERS)
def test_the_record_comes_back_as_it_was(value: bytes, key: bytes | None, headers: Headers) -> None:
    letter = dead_letter(PLACE, StoredRecord(17, 5, value, key, headers), "recipient 550")
    assert letter.value == value
    assert letter.key is None
    assert decode_dead_letter(letter) == DeadLetter(
        PLACE, 17, "recipient 550", Record(value, key, headers)
    )


def test_the_largest_record_fits_with_the_longest_reason() -> None:
    limit = next(each for each in declared_topics(1) if each.name == DEAD_LETTERS)
    headers = (("a", b""),) * 1_000
    room = RECORD_LIMIT_BYTES - Record(b"", headers=headers).size_bytes
    letter = dead_letter(PLACE, StoredRecord(2**62, 5, bytes(room), None, headers), "x" * 256)
    assert letter.size_bytes <= limit.record_limit_bytes
    assert len(decode_dead_letter(letter).record.value) == room


GOOD: Headers = (
    ("topic", b"t"),
    ("partition", b"0"),
    ("offset", b"1"),
    ("reason", b"json"),
    ("key", b""),
)


@pytest.mark.parametrize(
    "headers",
    [
        (),
        GOOD[:4],
        GOOD[::-1],
        (("topic", b"\xff"), *GOOD[1:]),
        (("topic", b"a\nb"), *GOOD[1:]),
        (("topic", b"t" * 257), *GOOD[1:]),
        (GOOD[0], ("partition", b"-1"), *GOOD[2:]),
        (GOOD[0], ("partition", b""), *GOOD[2:]),
        (GOOD[0], ("partition", b"9" * 20), *GOOD[2:]),
    ],
)
def test_anything_else_is_no_dead_letter(headers: Headers) -> None:
    with pytest.raises(InvalidRecordError, match=r"^headers$"):
        decode_dead_letter(Record(b"", headers=headers))


def test_more_than_a_record_can_hold_is_refused() -> None:
    with pytest.raises(InvalidRecordError, match=r"^too_large$"):
        decode_dead_letter(Record(bytes(RECORD_LIMIT_BYTES + 1), headers=GOOD))
