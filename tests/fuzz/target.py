"""What a fuzz target is, and how inputs come to it.

`run.py` drives a target by coverage with atheris; the tests beside it drive it by a fixed number of
mutations of its seeds, so that every change is looked at a little and nothing has to be installed.
"""

import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from tests.fuzz.mutations import mutated

Change = Callable[[bytes], bytes]
"""Something that changes bytes at random."""

_IN_PLACE_SHARE = 0.5
_UNPACKED_SHARE = 0.9
_PART_BYTES = (1, 4, 8, 32)


def change_all(data: bytes, change: Change) -> bytes:
    """The `mutate` of a target whose inputs aren't packed."""
    return change(data)


@dataclass(frozen=True, slots=True)
class Target:
    """A parser that takes hostile bytes, and what it promises.

    Attributes:
        fuzz_one: raises only where a promise is broken.
        seeds: inputs to start from, small and each of another kind.
        mutate: changes an input inside of its packing.
        words: what is worth being put into an input.
    """

    fuzz_one: Callable[[bytes], None]
    seeds: Callable[[], Sequence[bytes]]
    mutate: Callable[[bytes, Change], bytes] = change_all
    words: Sequence[bytes] = ()

    def changed(self, data: bytes, change: Change, chance: random.Random) -> bytes:
        """An input changed: mostly inside of its packing, and half of the time in place."""
        if chance.random() < _IN_PLACE_SHARE:
            change = _in_place(change, chance)
        if chance.random() < _UNPACKED_SHARE:
            return self.mutate(data, change)
        return change(data)


def _in_place(change: Change, chance: random.Random) -> Change:
    """Changes a few bytes and moves none: behind one that is lost hardly anything is right."""

    def change_part(data: bytes) -> bytes:
        at = chance.randrange(len(data) + 1)
        part = data[at : at + chance.choice(_PART_BYTES)]
        changed = change(part)[: len(part)].ljust(len(part), b"\0")
        return data[:at] + changed + data[at + len(part) :]

    return change_part


def fixed_inputs(target: Target, mutations: int) -> Iterator[bytes]:
    """Every seed, and so many mutations of seeds: the same ones on every run."""
    seeds = list(target.seeds())
    yield from seeds
    for number in range(mutations):
        chance = random.Random(number)  # noqa: S311  # the same inputs on every run
        change = partial(mutated, chance=chance, words=target.words)
        data = chance.choice(seeds)
        for _ in range(chance.choice([1, 1, 2, 4])):
            data = target.changed(data, change, chance)
        yield data


def run_fixed_inputs(target: Target, mutations: int) -> None:
    """Give the target its fixed inputs.

    Raises:
        Exception: what the target raised, with a note of the input for a regression test.
    """
    for data in fixed_inputs(target, mutations):
        try:
            target.fuzz_one(data)
        except Exception as error:
            error.add_note(f"The input: bytes.fromhex({data.hex()!r})")
            raise
