from collections import Counter

import pytest

from geophone_shared.drops import Drops, drops_from_headers, together


def test_headers_come_back_with_what_is_zero() -> None:
    drops = Drops(17, Counter({"too_large": 0, "buffer_full": 12}))
    assert drops.to_headers() == (("since-us", b"17"), ("drops", b"buffer_full=12 too_large=0"))
    assert drops_from_headers([("rows", b"3"), *drops.to_headers()]) == drops


def test_nothing_lost_needs_no_reason() -> None:
    assert drops_from_headers(Drops(17).to_headers()) == Drops(17)


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("since-us", b"1"), ("drops", b"a=1;b=2")],
        [("since-us", b"1"), ("drops", b"a=-1")],
        [("since-us", b"1"), ("drops", b"<script>=1")],
        [("since-us", b"1"), ("drops", b"a=" + b"9" * 19)],
        [("since-us", b"1"), ("drops", b"a=1 " * 300)],
        [("since-us", b"x"), ("drops", b"a=1")],
        [("since-us", b""), ("drops", b"a=1")],
        [("drops", b"a=1")],
        [("since-us", None), ("drops", b"a=1")],
    ],
)
def test_what_cannot_be_read_says_nothing(headers: list[tuple[str, bytes | None]]) -> None:
    assert drops_from_headers(headers) is None


def test_several_add_up_since_the_first_began() -> None:
    assert together([]) is None
    several = [Drops(30, Counter(a=1, b=0)), Drops(20, Counter(a=2, c=5))]
    assert together(several) == Drops(20, Counter(a=3, b=0, c=5))
    assert several[0].counts == Counter(a=1, b=0), "what is added up stays as it is"
