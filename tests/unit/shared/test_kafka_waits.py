"""How long Kafka is waited for, before the stop and after it."""

import asyncio

import pytest
from aiokafka.errors import NodeNotReadyError, TopicAuthorizationFailedError

from geophone_shared.bus.kafka import waits
from geophone_shared.bus.kafka.waits import Waits


@pytest.fixture
def short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(waits, "STOP_SECONDS", 0.05)


async def never(bounds: Waits) -> None:
    async with bounds.within(60):
        await asyncio.Event().wait()


async def stopped(bounds: Waits) -> None:
    stop = asyncio.Event()
    stop.set()
    await bounds.hurry_after(stop)


async def test_before_the_stop_a_time_limit_is_no_reason_to_give_up() -> None:
    bounds = Waits()
    with pytest.raises(TimeoutError):
        async with bounds.within(0.01):
            await asyncio.Event().wait()
    assert not bounds.has_given_up
    assert bounds.at_most(15) == 15


@pytest.mark.usefixtures("short")
async def test_the_stop_shortens_what_is_waited_for_and_only_once() -> None:
    bounds = Waits()
    async with asyncio.timeout(5), asyncio.TaskGroup() as tasks:
        waiting = [tasks.create_task(raises_timeout(bounds)) for _ in range(3)]
        await asyncio.sleep(0)
        await stopped(bounds)
        await asyncio.wait(waiting)
    assert bounds.has_given_up
    assert bounds.at_most(15) == 0
    async with asyncio.timeout(1):
        await raises_timeout(bounds)


async def raises_timeout(bounds: Waits) -> None:
    with pytest.raises(TimeoutError):
        await never(bounds)


async def test_an_answer_in_time_is_no_reason_to_give_up() -> None:
    bounds = Waits()
    await stopped(bounds)
    async with bounds.within(15):
        await asyncio.sleep(0)
    with pytest.raises(TopicAuthorizationFailedError):
        async with bounds.within(15):
            raise TopicAuthorizationFailedError
    assert not bounds.has_given_up
    assert bounds.at_most(15) == waits.STOP_SECONDS


async def test_a_client_that_finds_no_broker_after_the_stop_is_one() -> None:
    bounds = Waits()
    await stopped(bounds)
    with pytest.raises(NodeNotReadyError):
        async with bounds.within(15):
            raise NodeNotReadyError
    assert bounds.has_given_up
