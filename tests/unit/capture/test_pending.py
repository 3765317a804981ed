"""The table of waiting queries against a dict and lists, with hashes that collide on purpose."""

from dataclasses import dataclass

import numpy as np
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from geophone_capture.kernels.pending import (
    HEADS,
    NAME_WORDS,
    NONE,
    PENDING,
    Pending,
    add_pending,
    find_pending,
    flow_hash,
    remove_pending,
)
from geophone_shared.jit import Array

pytestmark = pytest.mark.kernels

KEY_FIELDS = ("client_high", "client_low", "server_high", "server_low", "ports_and_id")
HASHES = (0, 1, 7, 2**63, 2**64 - 1)
"""Whatever the size of the index, some share a slot and some stand at its end."""


@dataclass(frozen=True, slots=True)
class Flow:
    """A key of the table, and the hash that the test gives it."""

    values: tuple[int, int, int, int, int]
    hash: int

    def record(self) -> Array:
        key = np.zeros(1, PENDING)
        for field, value in zip(KEY_FIELDS, self.values, strict=True):
            key[field] = value
        key["hash"] = self.hash
        return key


def flow(number: int) -> Flow:
    """Flows that differ in one field each, some with one hash."""
    values = [2**64 - 1, 2, 3, 4, 5]
    values[number % 5] = number
    first, second, third, fourth, fifth = values
    return Flow((first, second, third, fourth, fifth), HASHES[number // 5 % len(HASHES)])


FLOWS = [flow(number) for number in range(40)]


def empty_table(capacity: int) -> Pending:
    heads = np.zeros(1, HEADS)
    for head in ("oldest", "newest", "free"):
        heads[head] = NONE
    slots = np.full(1 << (2 * capacity).bit_length(), NONE, np.int32)
    heads["index_slots"] = min(2, slots.size)  # so that it grows
    return Pending(
        entries=np.zeros(capacity, PENDING),
        names=np.zeros(capacity * NAME_WORDS, np.uint8),
        slots=slots,
        heads=heads,
        key0=np.uint64(1),
        key1=np.uint64(2),
    )


class PendingTable(RuleBasedStateMachine):
    """Entries in order of arrival, and freed ones in the order in which they are used again."""

    @initialize(capacity=st.integers(1, 9))
    def start(self, capacity: int) -> None:
        self.capacity = capacity
        self.table = empty_table(capacity)
        self.waiting: dict[Flow, int] = {}  # in order of arrival
        self.free = list(reversed(range(capacity)))

    @precondition(lambda self: len(self.waiting) < self.capacity)
    @rule(wanted=st.sampled_from(FLOWS))
    def add(self, wanted: Flow) -> None:
        if wanted in self.waiting:
            return
        entry = add_pending(self.table, wanted.record())
        assert entry == self.free.pop()
        self.waiting[wanted] = entry

    @precondition(lambda self: self.waiting)
    @rule(data=st.data())
    def remove(self, data: st.DataObject) -> None:
        chosen = data.draw(st.sampled_from(list(self.waiting)))
        entry = self.waiting.pop(chosen)
        remove_pending(self.table, entry)
        self.free.append(entry)

    @precondition(lambda self: self.waiting)
    @rule()
    def remove_the_oldest(self) -> None:
        chosen = next(iter(self.waiting))
        assert self.table.heads[0]["oldest"] == self.waiting[chosen]
        self.free.append(self.waiting.pop(chosen))
        remove_pending(self.table, self.free[-1])

    @rule(wanted=st.sampled_from(FLOWS))
    def find(self, wanted: Flow) -> None:
        assert find_pending(self.table, wanted.record()) == self.waiting.get(wanted, NONE)

    @invariant()
    def every_entry_is_found(self) -> None:
        for wanted, entry in self.waiting.items():
            assert find_pending(self.table, wanted.record()) == entry
        assert np.count_nonzero(self.table.slots != NONE) == len(self.waiting)

    @invariant()
    def order_of_arrival(self) -> None:
        entries = list(self.waiting.values())
        assert self.table.heads[0]["count"] == len(entries)
        assert self.walk("oldest", "newer") == entries
        assert self.walk("newest", "older") == entries[::-1]

    def walk(self, head: str, towards: str) -> list[int]:
        found = []
        entry = int(self.table.heads[0][head])
        while entry != NONE:
            found.append(entry)
            assert len(found) <= self.capacity
            entry = int(self.table.entries[entry][towards])
        return found


TestPendingTable = PendingTable.TestCase
TestPendingTable.settings = settings(max_examples=30, stateful_step_count=40)


def test_keys_that_differ_in_any_bit_are_others() -> None:
    table = empty_table(4)
    kept = Flow((1, 2, 3, 4, 5), 99)
    add_pending(table, kept.record())
    assert find_pending(table, kept.record()) == 0
    for place in range(5):
        for bit in range(64):
            values = list(kept.values)
            values[place] ^= 1 << bit
            first, second, third, fourth, fifth = values
            other = Flow((first, second, third, fourth, fifth), 99)
            assert find_pending(table, other.record()) == NONE


def test_the_hash_depends_on_every_field_and_on_the_secret() -> None:
    def hash_of(key0: int, key1: int, values: tuple[int, int, int, int, int]) -> int:
        table = empty_table(1)._replace(key0=np.uint64(key0), key1=np.uint64(key1))
        return int(flow_hash(table, Flow(values, 0).record()))

    hashes = [hash_of(1, 2, (1, 2, 3, 4, 5)), hash_of(2, 2, (1, 2, 3, 4, 5))]
    hashes.append(hash_of(1, 3, (1, 2, 3, 4, 5)))
    for place in range(5):
        values = [1, 2, 3, 4, 5]
        values[place] += 2**63
        first, second, third, fourth, fifth = values
        hashes.append(hash_of(1, 2, (first, second, third, fourth, fifth)))
    assert len(set(hashes)) == 8
    assert hash_of(1, 2, (1, 2, 3, 4, 5)) == hashes[0]
