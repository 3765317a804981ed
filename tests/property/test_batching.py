"""Batches of any rows: nothing lost, in order, and where they end depends on the rows alone."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.batching import MINUTE_US, Batcher, EncodedBatch
from geophone_shared.kernels.hashing import PRESENTATION_LIMIT_BYTES, partition_of
from geophone_shared.timestamps import LATEST_TIME_US
from geophone_shared.transactions import ROW, Transactions
from tests.support.published import NamedRow, named_rows, rows_in
from tests.support.rows import transactions

pytestmark = pytest.mark.kernels

COMPLETED = (ROW.names or ()).index("completed_us")
TIME = (ROW.names or ()).index("time_us")

Event = tuple[str, int] | tuple[NamedRow, ...]
"""A mark with its clock, or the rows of a batch."""


@st.composite
def streams(draw: st.DrawFn) -> Transactions:
    """Rows that complete within minutes of each other, or years."""
    made = draw(transactions(most_rows=20))
    if draw(st.booleans()):
        steps_us = st.sampled_from([0, 1, 1_000_000, MINUTE_US - 1, MINUTE_US, 150_000_000])
        steps = [draw(steps_us) for _ in made.rows]
        made.rows["completed_us"] = draw(st.integers(0, MINUTE_US)) + np.cumsum(
            steps, dtype=np.int64
        )
    return made


def batches_of(
    stream: Transactions, cuts: list[int], partitions: int, batch_rows: int, clock_us: int
) -> list[EncodedBatch]:
    """Everything that comes of rows that are handed over in pieces."""
    batcher = Batcher(partitions, batch_rows, sensor="s", producer="p")
    batches: list[EncodedBatch] = []
    edges = sorted({0, len(stream.rows), *(cut for cut in cuts if cut < len(stream.rows))})
    for start, stop in pairwise(edges):
        batches += batcher.add(Transactions(stream.rows[start:stop], stream.names))
        # Whoever knows the clock may say so at any time.
        batches += batcher.advance(int(stream.rows[stop - 1]["completed_us"]))
    return batches + list(batcher.close(clock_us))


@dataclass(slots=True)
class Model:
    """What is to come of rows, row by row and in plain Python."""

    partitions: int
    batch_rows: int
    events: list[list[Event]] = field(default_factory=list)
    open: list[list[NamedRow]] = field(default_factory=list)
    minutes: list[int] = field(default_factory=list)
    minute: int | None = None

    def __post_init__(self) -> None:
        self.events = [[] for _ in range(self.partitions)]
        self.open = [[] for _ in range(self.partitions)]
        self.minutes = [-1] * self.partitions

    def close(self, partition: int) -> None:
        if self.open[partition]:
            self.events[partition].append(tuple(self.open[partition]))
            self.open[partition] = []

    def take(self, row: NamedRow, partition: int) -> None:
        completed_us = row[0][COMPLETED]
        assert isinstance(completed_us, int)
        minute = completed_us // MINUTE_US
        if self.minute is not None and minute > self.minute:
            for each in range(self.partitions):
                self.close(each)
                if self.minutes[each] < minute - 1:
                    self.events[each].append(("mark", completed_us))
        self.minute = minute
        self.minutes[partition] = minute
        self.open[partition].append(row)
        if len(self.open[partition]) == self.batch_rows:
            self.close(partition)

    def end(self, clock_us: int) -> None:
        for each in range(self.partitions):
            self.close(each)
            self.events[each].append(("mark", clock_us))


def place(stream: Transactions, index: int, partitions: int) -> int:
    row = stream.rows[index]
    scratch = np.zeros(PRESENTATION_LIMIT_BYTES, np.uint8)
    start = int(row["name_offset"]) + int(row["domain_offset"])
    length = int(row["name_length"]) - int(row["domain_offset"])
    return partition_of(stream.names, start, length, scratch, partitions)


def events_of(batches: list[EncodedBatch], partition: int) -> list[Event]:
    return [
        ("mark", batch.headers.last_time_us)
        if batch.headers.is_minute_mark()
        else tuple(rows_in([batch]))
        for batch in batches
        if batch.partition == partition
    ]


@given(
    stream=streams(),
    cuts=st.lists(st.integers(1, 20), max_size=4),
    partitions=st.integers(1, 4),
    batch_rows=st.integers(1, 4),
)
def test_batches_and_marks_are_those_of_the_model(
    stream: Transactions, cuts: list[int], partitions: int, batch_rows: int
) -> None:
    last_us = int(stream.rows["completed_us"][-1]) if len(stream.rows) else 0
    clock_us = min(last_us + 30_000_000, LATEST_TIME_US)
    batches = batches_of(stream, cuts, partitions, batch_rows, clock_us)
    model = Model(partitions, batch_rows)
    for index, row in enumerate(named_rows(stream)):
        model.take(row, place(stream, index, partitions))
    model.end(clock_us)
    assert [events_of(batches, each) for each in range(partitions)] == model.events


@given(
    stream=streams(),
    cuts=st.lists(st.integers(1, 20), max_size=8),
    partitions=st.integers(1, 4),
    batch_rows=st.integers(1, 4),
)
def test_the_same_rows_give_the_same_bytes_however_they_come(
    stream: Transactions, cuts: list[int], partitions: int, batch_rows: int
) -> None:
    at_once = batches_of(stream, [], partitions, batch_rows, LATEST_TIME_US)
    in_pieces = batches_of(stream, cuts, partitions, batch_rows, LATEST_TIME_US)
    assert in_pieces == at_once


@given(stream=streams(), partitions=st.integers(1, 4), batch_rows=st.integers(1, 4))
def test_headers_say_what_is_in_a_batch(
    stream: Transactions, partitions: int, batch_rows: int
) -> None:
    batches = batches_of(stream, [], partitions, batch_rows, LATEST_TIME_US)
    positions = [batch.headers.position for batch in batches]
    assert positions == sorted(positions)
    assert positions[-1] == len(stream.rows)
    for partition in range(partitions):
        of_one = [batch.headers for batch in batches if batch.partition == partition]
        assert [headers.sequence for headers in of_one] == list(range(len(of_one)))
    for batch in batches:
        rows = rows_in([batch])
        assert batch.headers.rows == len(rows)
        assert (batch.headers.raw_bytes == 0) == (not rows) == (batch.value == b"")
        times_us = [row[0][column] for row in rows for column in (TIME, COMPLETED)]
        if rows:
            assert batch.headers.first_time_us == min(times_us)  # type: ignore[type-var] # ints
            assert batch.headers.last_time_us == max(times_us)  # type: ignore[type-var] # ints


@given(stream=streams(), most_row_bytes=st.integers(400, 1_500))
def test_a_batch_has_no_more_bytes_than_it_may(stream: Transactions, most_row_bytes: int) -> None:
    batcher = Batcher(1, 100, sensor="s", producer="p", most_row_bytes=most_row_bytes)
    batches = [*batcher.add(stream), *batcher.close(LATEST_TIME_US)]
    for batch in batches:
        names = sum(len(name) for _, name in rows_in([batch]))
        assert batch.headers.rows * ROW.itemsize + names <= most_row_bytes
    assert rows_in(batches) == named_rows(stream)
