"""Programs of the classic Berkeley Packet Filter, as Linux runs them on a socket [core].

McCanne and Jacobson, "The BSD Packet Filter", USENIX Winter 1993; Linux's
Documentation/networking/filter.rst. A jump leads forward, by at most 255 instructions where it has
a condition; `assemble` puts an unconditional one between where that isn't enough.
"""

import re
import struct
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from geophone_shared.errors import ConfigError

MOST_INSTRUCTIONS = 4_096
"""BPF_MAXINSNS."""

LD_B_ABS, LD_H_ABS, LD_W_ABS = 0x30, 0x28, 0x20
LD_B_IND, LD_H_IND, LD_W_IND = 0x50, 0x48, 0x40
LD_MEM, LDX_IMM, LDX_MEM, ST, STX = 0x60, 0x01, 0x61, 0x02, 0x03
ADD_X, ADD_K, AND_K, LSH_K, RSH_K = 0x0C, 0x04, 0x54, 0x64, 0x74
TAX, TXA = 0x07, 0x87
JA, JEQ, JGT, JGE, JSET = 0x05, 0x15, 0x25, 0x35, 0x45
RET_K = 0x06

_FARTHEST = 255
_CONDITIONS = {JEQ, JGT, JGE, JSET}


class Instruction(NamedTuple):
    """`struct sock_filter`; `jt` and `jf` count the instructions that a jump leaves out."""

    code: int
    jt: int
    jf: int
    k: int


Program = tuple[Instruction, ...]

ACCEPT_BYTES = 0x7FFFFFFF
"""What a program returns for a packet that is let through: as many of its bytes as there are."""

REJECT_ALL: Program = (Instruction(RET_K, 0, 0, 0),)
"""Lets nothing through."""


@dataclass(frozen=True, slots=True)
class Label:
    """A place in a program that jumps lead to."""

    name: str


@dataclass(frozen=True, slots=True)
class Step:
    """An instruction before it is known how far its jumps lead.

    Attributes:
        code: of the instruction.
        k: its operand.
        yes: label where a condition that holds (or `JA`) leads; None for the next step.
        no: label where one that doesn't leads; None for the next step.
    """

    code: int
    k: int = 0
    yes: str | None = None
    no: str | None = None


def assemble(steps: Sequence[Step | Label]) -> Program:
    """The program; every jump has to lead forward, to a label that stands in `steps` once.

    Raises:
        ConfigError: it has more than `MOST_INSTRUCTIONS`.
    """
    # From the end on: so the places that jumps lead to are known when the jump is met.
    backwards: list[Instruction] = []
    places: dict[str, int] = {}
    for step in reversed(steps):
        if isinstance(step, Label):
            places[step.name] = len(backwards)
        elif step.code == JA:
            _jump(backwards, _place(backwards, places, step.yes))
        elif step.code in _CONDITIONS:
            targets = [_place(backwards, places, label) for label in (step.yes, step.no)]
            # Both by a bridge, as the first one may push the other's end out of reach.
            if any(len(backwards) - target >= _FARTHEST for target in targets):
                targets = [_jump(backwards, target) for target in targets]
            yes, no = (len(backwards) - target for target in targets)
            backwards.append(Instruction(step.code, yes, no, step.k))
        else:
            backwards.append(Instruction(step.code, 0, 0, step.k))
    if len(backwards) > MOST_INSTRUCTIONS:
        raise ConfigError(
            f"the packet filter would have {len(backwards):,} instructions, and the kernel takes "
            f"{MOST_INSTRUCTIONS:,}: name fewer ports"
        )
    return tuple(reversed(backwards))


def encode(program: Program) -> bytes:
    """The array of `struct sock_filter`."""
    return b"".join(struct.pack("=HBBI", *instruction) for instruction in program)


def parse_decimal(text: str, origin: str) -> Program:
    """The program that `tcpdump -ddd` prints: a count, and as many lines `code jt jf k`.

    Args:
        text: what it printed; the lines may also stand behind commas, as iptables wants them.
        origin: where the text is from, for messages.

    Raises:
        ConfigError: it isn't such a text.
    """
    lines = [line.split() for line in re.split(r"[\n,]", text) if line.strip()]
    is_number = all(field.isascii() and field.isdigit() for line in lines for field in line)
    if not lines or not is_number or len(lines[0]) != 1 or int(lines[0][0]) != len(lines) - 1:
        raise ConfigError(
            f"{origin} is not a packet filter as `tcpdump -ddd` prints it: a count, and as many "
            "lines of four numbers"
        )
    program = []
    for number, line in enumerate(lines[1:], 1):
        values = [int(field) for field in line]
        limits = (0xFFFF, 0xFF, 0xFF, 0xFFFFFFFF)
        if len(values) != len(limits) or any(
            value > limit for value, limit in zip(values, limits, strict=True)
        ):
            raise ConfigError(f"{origin}: instruction {number} of the packet filter isn't one")
        program.append(Instruction(*values))
    if not 0 < len(program) <= MOST_INSTRUCTIONS:
        raise ConfigError(
            f"{origin} has {len(program):,} instructions; the kernel takes 1 to "
            f"{MOST_INSTRUCTIONS:,}"
        )
    return tuple(program)


def _place(backwards: list[Instruction], places: dict[str, int], label: str | None) -> int:
    """Where a label is, counted from the end; without one, what stands next."""
    return len(backwards) if label is None else places[label]


def _jump(backwards: list[Instruction], target: int) -> int:
    """Append an unconditional jump to a place; where the jump is."""
    backwards.append(Instruction(JA, 0, 0, len(backwards) - target))
    return len(backwards)
