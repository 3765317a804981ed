"""What a fuzz target is, and how inputs come to it.

`run.py` drives a target by coverage with atheris; the tests beside it drive it by a fixed number of
mutations of its seeds, so that every change is looked at a little and nothing has to be installed.
"""

import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial

from geophone_shared.jit import is_interpreted
from tests.fuzz.mutations import mutated

Change = Callable[[bytes], bytes]
"""Something that changes bytes at random."""

_ONE_IN = 8
"""So many inputs get one that is changed as it is, not inside of its packing."""


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

    def changed(self, data: bytes, change: Change, seed: int) -> bytes:
        """An input changed, mostly inside of its packing."""
        return change(data) if seed % _ONE_IN == 0 else self.mutate(data, change)


def run_fixed_mutations(target: Target, compiled: int, interpreted: int) -> None:
    """Every seed, and so many mutations of seeds: the same ones on every run.

    Raises:
        AssertionError: with the input in hexadecimal, for a regression test.
    """
    seeds = list(target.seeds())
    for seed in seeds:
        _run(target, seed)
    for number in range(interpreted if is_interpreted() else compiled):
        chance = random.Random(number)  # noqa: S311  # the same inputs on every run
        data = chance.choice(seeds)
        change = partial(mutated, chance=chance, words=target.words)
        for _ in range(chance.choice([1, 1, 2, 4])):
            data = target.changed(data, change, number)
        _run(target, data)


def _run(target: Target, data: bytes) -> None:
    try:
        target.fuzz_one(data)
    except Exception as error:
        error.add_note(f"The input: bytes.fromhex({data.hex()!r})")
        raise
