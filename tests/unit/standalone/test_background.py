"""A function in a thread of its own: order, how far it may lag, errors, Ctrl-C."""

import threading

import pytest

from geophone.background import Background


def test_the_function_gets_every_item_in_order_in_one_other_thread() -> None:
    seen: list[int] = []
    threads: set[int] = set()

    def work(item: int) -> None:
        seen.append(item)
        threads.add(threading.get_ident())

    with Background(work) as background:
        for item in range(100):
            background.give(item)
    assert seen == list(range(100))
    assert len(threads) == 1
    assert threading.get_ident() not in threads


def test_it_lags_by_one_item_and_no_more() -> None:
    done: list[int] = []
    with Background(done.append) as background:
        for item in range(100):
            background.give(item)
            assert len(done) >= item


def test_giving_does_not_wait_for_what_is_given() -> None:
    may_end = threading.Event()

    def work(_: str) -> None:
        assert may_end.wait(60)

    with Background(work) as background:
        background.give("item")  # would wait for ever
        may_end.set()


def test_it_has_ended_when_the_context_has() -> None:
    done: list[int] = []
    before = threading.active_count()
    with Background(done.append) as background:
        background.give(1)
    assert done == [1]
    assert threading.active_count() == before


def _fail(item: int) -> None:
    raise ValueError(item)


def test_an_error_comes_out_with_the_next_item() -> None:
    given: list[int] = []

    def give_all() -> None:
        with Background(_fail) as background:
            for item in range(1, 4):
                given.append(item)
                background.give(item)

    with pytest.raises(ValueError, match="1"):
        give_all()
    assert given == [1, 2]


def test_the_last_items_error_comes_out_at_the_end() -> None:
    background = Background(_fail)
    background.give(1)
    with pytest.raises(ValueError, match="1"):
        background.__exit__(None, None, None)


def test_an_error_of_this_thread_is_not_hidden_by_one_of_the_other() -> None:
    def give_and_fail() -> None:
        with Background(_fail) as background:
            background.give(1)
            raise KeyError

    with pytest.raises(KeyError):
        give_and_fail()


def test_ctrl_c_while_waiting_forgets_no_item(monkeypatch: pytest.MonkeyPatch) -> None:
    done: list[int] = []
    may_go_on = threading.Event()

    def work(item: int) -> None:
        assert may_go_on.wait(60)
        done.append(item)

    with Background(work) as background:
        background.give(1)
        with monkeypatch.context() as patched:
            patched.setattr("concurrent.futures.Future.result", _interrupted)
            with pytest.raises(KeyboardInterrupt):
                background.give(2)
        may_go_on.set()
    assert done == [1, 2]


def _interrupted(_: object) -> None:
    raise KeyboardInterrupt
