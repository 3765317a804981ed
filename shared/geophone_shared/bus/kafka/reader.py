"""Reading from Kafka, by hand or as a member of a group."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from aiokafka import AIOKafkaConsumer
from aiokafka.coordinator.assignors.sticky.sticky_assignor import StickyPartitionAssignor
from aiokafka.errors import (
    GroupCoordinatorNotAvailableError,
    NoError,
    NotCoordinatorForGroupError,
    for_code,
)
from aiokafka.protocol.commit import OffsetFetchRequest
from aiokafka.structs import TopicPartition as KafkaPartition

from geophone_shared.bus.kafka.connection import KafkaConnection, KafkaTimeouts, disconnect
from geophone_shared.bus.kafka.failures import kafka_failures
from geophone_shared.bus.kafka.membership import Membership
from geophone_shared.bus.kafka.waits import Waits
from geophone_shared.bus.records import StoredRecord, TopicPartition
from geophone_shared.errors import InvalidRecordError

_FETCH_LIMIT_BYTES = 16 * 1024 * 1024
_PARTITION_FETCH_BYTES = 1024 * 1024  # the fastest of 256 KiB, 1 MiB and 4 MiB (measured)
_FETCH_WAIT_MS = 200
"""How long the broker holds a request for records that aren't there yet.

It answers in order, so that questions about offsets wait for that too.
"""

_STOP_SECONDS = 2.0


class KafkaReader:
    """Reads partitions through one consumer, which it closes at the end."""

    def __init__(
        self,
        consumer: AIOKafkaConsumer,
        answer_seconds: float,
        waits: Waits,
        partitions: Sequence[TopicPartition] = (),
        membership: Membership | None = None,
    ) -> None:
        self._consumer = consumer
        self._answer_seconds = answer_seconds
        self._waits = waits
        self._partitions = tuple(partitions)
        self._membership = membership
        # What the consumer is asked for; kept when a poll ends earlier, so that nothing is lost.
        self._fetch: asyncio.Task[dict[KafkaPartition, list[Any]]] | None = None
        self._fetch_records = 0
        # Where each partition goes on for whoever reads here, as far as that is known.
        self._next: dict[TopicPartition, int] = {}
        # What aiokafka said of a damaged record, until it is gone round.
        self._complaint = ""
        self._is_near_damage = False

    async def poll(
        self, timeout_seconds: float, max_records: int
    ) -> dict[TopicPartition, list[StoredRecord]]:
        """As the contract says."""
        loop = asyncio.get_running_loop()
        deadline = loop.time() + timeout_seconds
        while True:
            waiting: list[asyncio.Future[Any]] = []
            if self._membership is not None:
                await self._settle(self._membership)
                waiting.append(self._membership.news)
            if self._complaint:
                await self._go_round_damage()
            remaining = max(deadline - loop.time(), 0.0)
            waiting.append(self._asked(remaining, max_records))
            # One turn more than the task needs to look once.
            await asyncio.wait(
                waiting, timeout=max(remaining, 0.001), return_when=asyncio.FIRST_COMPLETED
            )
            has_news = self._membership is not None and self._membership.news.done()
            if not has_news and (polled := await self._fetched()):
                return polled
            if loop.time() >= deadline:
                return {}

    def seek(self, partition: TopicPartition, offset: int) -> None:
        """As the contract says."""
        if partition not in self._current():
            raise ValueError(f"{partition} is not read here")
        with kafka_failures(f"move to {offset} in {partition}"):
            self._consumer.seek(KafkaPartition(*partition), offset)
        self._next[partition] = offset
        self._left_behind().pop(KafkaPartition(*partition), None)

    async def positions(self) -> dict[TopicPartition, int]:
        """As the contract says."""
        with kafka_failures("tell positions"):
            async with self._waits.within(self._answer_seconds):
                positions = {
                    each: await self._consumer.position(KafkaPartition(*each))
                    for each in self._current()
                }
        # The consumer is beyond what came after the end of a poll, and is still to be handed over.
        for each, records in self._left_behind().items():
            if each in positions:
                positions[each] = min(positions[each], records[0].offset)
        return positions

    async def first_offsets(self) -> dict[TopicPartition, int]:
        """As the contract says."""
        with kafka_failures("tell first offsets"):
            async with self._waits.within(self._answer_seconds):
                return _ours(await self._consumer.beginning_offsets(_theirs(self._current())))

    async def end_offsets(self) -> dict[TopicPartition, int]:
        """As the contract says."""
        with kafka_failures("tell end offsets"):
            async with self._waits.within(self._answer_seconds):
                return _ours(await self._consumer.end_offsets(_theirs(self._current())))

    async def offsets_at(self, time_us: int) -> dict[TopicPartition, int]:
        """As the contract says."""
        time_ms = -(-time_us // 1000)
        partitions = _theirs(self._current())
        with kafka_failures("tell offsets of a time"):
            async with self._waits.within(self._answer_seconds):
                # The end first: a record that is published between the two answers is of that
                # time or later, and would be left out if the end were the later one.
                ends = await self._consumer.end_offsets(partitions)
                found = await self._consumer.offsets_for_times(dict.fromkeys(partitions, time_ms))
        return _ours({each: found[each].offset if found[each] else ends[each] for each in ends})

    async def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """As the contract says, for the member of a group."""
        if not offsets.keys() <= set(self._current()):
            raise ValueError("only partitions that are read can be committed")
        if not offsets:
            return
        with kafka_failures("commit offsets"):
            async with self._waits.within(self._answer_seconds):
                await self._consumer.commit(
                    {KafkaPartition(*each): offset for each, offset in offsets.items()}
                )

    async def committed(self) -> dict[TopicPartition, int]:
        """As the contract says, for the member of a group."""
        offsets = {}
        with kafka_failures("tell what is committed"):
            async with self._waits.within(self._answer_seconds):
                for each in self._current():
                    offset = await self._consumer.committed(KafkaPartition(*each))
                    if offset is not None:
                        offsets[each] = offset
        return offsets

    async def close(self) -> None:
        """Leave, whatever the broker says to it."""
        if self._membership is not None:
            self._membership.close()
        self._forget_fetch()
        await stop(self._consumer, self._waits)

    def _current(self) -> tuple[TopicPartition, ...]:
        return self._partitions if self._membership is None else self._membership.held

    def _asked(self, timeout_seconds: float, max_records: int) -> asyncio.Task[Any]:
        """What the consumer is asked for, perhaps since an earlier poll."""
        if self._fetch is not None and self._fetch_records > max_records and not self._fetch.done():
            self._forget_fetch()
        if self._fetch is None:
            self._fetch_records = 1 if self._is_near_damage else max_records
            # After an error or a cancellation, aiokafka believes for ever that somebody polls.
            self._consumer._subscription._fetch_count = 0  # noqa: SLF001
            # Not a task group's: the task outlives the call, and `close` ends it.
            self._fetch = asyncio.get_running_loop().create_task(
                self._consumer.getmany(
                    timeout_ms=int(timeout_seconds * 1000), max_records=self._fetch_records
                )
            )
        return self._fetch

    def _left_behind(self) -> dict[KafkaPartition, list[Any]]:
        """What came too late for the last poll; the next one returns it."""
        if self._fetch is None or not self._fetch.done() or self._fetch.exception() is not None:
            return {}
        return self._fetch.result()

    def _forget_fetch(self) -> None:
        """Ask no more; what came already is lost. A fetch that waits has taken nothing out yet."""
        if self._fetch is not None:
            self._fetch.cancel()
            if self._fetch.done() and not self._fetch.cancelled():
                self._fetch.exception()
            self._fetch = None

    async def _fetched(self) -> dict[TopicPartition, list[StoredRecord]]:
        """What the consumer was asked for, if it is there."""
        if self._fetch is None or not self._fetch.done():
            return {}
        fetch, self._fetch = self._fetch, None
        try:
            with kafka_failures("deliver records"):
                fetched = fetch.result()
        except InvalidRecordError as error:
            self._complaint = str(error.__cause__)
            await self._go_round_damage()
            return {}
        polled = {TopicPartition(*each): _stored(fetched[each]) for each in fetched}
        self._next |= {each: records[-1].offset + 1 for each, records in polled.items()}
        return polled

    async def _go_round_damage(self) -> None:
        """Find the record whose checksum is wrong, and skip it alone.

        aiokafka complains of its partition for ever (#321), and has lost what it had already taken
        out in the same call, of other partitions too. So go back; then come near one by one.
        """
        committed = {} if self._membership is None else await self.committed()
        begin = await self.first_offsets() | committed | self._next
        is_near, self._is_near_damage = self._is_near_damage, not self._is_near_damage
        for each in self._current():
            is_damaged = is_near and self._complaint.endswith(str(KafkaPartition(*each)))
            self.seek(each, begin[each] + is_damaged)
        self._complaint = ""
        if is_near:
            raise InvalidRecordError("damaged")

    async def _settle(self, membership: Membership) -> None:
        if membership.news.done():
            self._next.clear()
            self._complaint = ""
            self._is_near_damage = False
            if self._fetch is not None and self._fetch.done():
                self._forget_fetch()  # who has the old assignment now reads from what is committed
        with kafka_failures("take part in the group"):
            await membership.settle()


async def start_consumer(
    connection: KafkaConnection,
    timeouts: KafkaTimeouts,
    waits: Waits,
    group: str | None = None,
    member: str | None = None,
) -> AIOKafkaConsumer:
    """A consumer that has reached Kafka, and reads nothing yet.

    Raises:
        TransientError: no broker answers.
    """
    # The strategy keeps what a member had in attributes of the class: one class per consumer.
    sticky = type("Sticky", (StickyPartitionAssignor,), {})
    consumer = AIOKafkaConsumer(
        **connection.client_options(),
        group_id=group,
        group_instance_id=member,
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        isolation_level="read_committed",
        check_crcs=True,
        fetch_max_wait_ms=_FETCH_WAIT_MS,
        fetch_max_bytes=_FETCH_LIMIT_BYTES,
        max_partition_fetch_bytes=_PARTITION_FETCH_BYTES,
        session_timeout_ms=int(timeouts.session_seconds * 1000),
        heartbeat_interval_ms=int(timeouts.heartbeat_seconds * 1000),
        max_poll_interval_ms=int(timeouts.poll_interval_seconds * 1000),
        partition_assignment_strategy=(sticky,),
    )
    try:
        with kafka_failures("let a reader in"):
            async with waits.within(timeouts.answer_seconds):
                await consumer.start()
    except BaseException:
        await stop(consumer, waits)
        raise
    if group is not None:
        _mind_loading(consumer)
    return consumer


async def stop(consumer: AIOKafkaConsumer, waits: Waits) -> None:
    """Stop a consumer within seconds; where the broker doesn't let it, cut its connections."""
    # A task of its own: it may end cancelled by itself, as after a commit that was given up.
    stopping = asyncio.get_running_loop().create_task(consumer.stop())
    try:
        await asyncio.wait([stopping], timeout=waits.at_most(_STOP_SECONDS))
    finally:
        if not stopping.done():
            await disconnect(consumer._client)  # noqa: SLF001
            await asyncio.wait([stopping], timeout=_STOP_SECONDS)
            stopping.cancel()
        elif not stopping.cancelled():
            stopping.exception()


def _mind_loading(consumer: AIOKafkaConsumer) -> None:
    """Have the consumer heed the error of a whole answer about committed offsets.

    A coordinator that still loads them, for seconds after its start, says so there, with no
    partition in its answer. aiokafka reads that as nothing committed, and starts from the
    beginning (measured: 1 of 3 restarts). With the error it asks again.
    """
    coordinator = consumer._coordinator  # noqa: SLF001
    send = coordinator._send_req  # noqa: SLF001

    async def checked(request: object) -> Any:
        response = await send(request)
        if isinstance(request, OffsetFetchRequest):
            error = for_code(getattr(response, "error_code", NoError.errno))
            if error in (NotCoordinatorForGroupError, GroupCoordinatorNotAvailableError):
                coordinator.coordinator_dead()
            if error is not NoError:
                raise error
        return response

    coordinator._send_req = checked  # noqa: SLF001


def _stored(records: Iterable[Any]) -> list[StoredRecord]:
    return [
        StoredRecord(
            offset=record.offset,
            published_us=record.timestamp * 1000,
            value=record.value or b"",
            key=record.key,
            headers=tuple((name, value or b"") for name, value in record.headers),
        )
        for record in records
    ]


def _theirs(partitions: Iterable[TopicPartition]) -> list[KafkaPartition]:
    return [KafkaPartition(*each) for each in partitions]


def _ours(offsets: Mapping[KafkaPartition, int]) -> dict[TopicPartition, int]:
    return {TopicPartition(*each): offset for each, offset in offsets.items()}
