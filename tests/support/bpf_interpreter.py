"""A classic BPF machine in plain Python: Linux's Documentation/networking/filter.rst.

Written from the description of the machine, for what the programs of this project and of libpcap
use; loads of the kernel's own values (negative offsets) are not among these.
"""

import struct
from collections.abc import Sequence

_WORD = 0xFFFFFFFF


def run(program: Sequence[tuple[int, int, int, int]], packet: bytes) -> int:
    """How many bytes of `packet` the program lets through; 0 where it rejects it.

    Raises:
        AssertionError: the program isn't valid: the kernel would refuse it.
    """
    a = x = at = 0
    memory = [0] * 16
    while True:
        assert at < len(program), "it runs past its end"
        code, jt, jf, k = program[at]
        at += 1
        match code & 0x07:
            case 0x00 | 0x01 as kind:  # BPF_LD, BPF_LDX
                value = _loaded(code, k, x, memory, packet)
                if value is None:
                    return 0
                a, x = (a, value) if kind else (value, x)
            case 0x02 | 0x03 as kind:  # BPF_ST, BPF_STX
                memory[k] = x if kind & 1 else a
            case 0x04:  # BPF_ALU
                a = _computed(code, a, x if code & 0x08 else k)
            case 0x05:  # BPF_JMP
                at += k if code == 0x05 else jt if _holds(code, a, x if code & 0x08 else k) else jf
            case 0x06:  # BPF_RET
                return a if code & 0x18 == 0x10 else k
            case _:  # BPF_MISC: BPF_TXA, BPF_TAX
                a, x = (x, x) if code & 0x80 else (a, a)


def _loaded(code: int, k: int, x: int, memory: list[int], packet: bytes) -> int | None:
    """The operand of a load; None where it lies outside of the packet."""
    mode = code & 0xE0
    if mode == 0x00:  # BPF_IMM
        return k
    if mode == 0x60:  # BPF_MEM
        return memory[k]
    if mode == 0x80:  # BPF_LEN
        return len(packet)
    if mode == 0xA0:  # BPF_MSH
        return (packet[k] & 0x0F) << 2 if k < len(packet) else None
    assert mode in {0x20, 0x40}, f"no such load: {code:#x}"  # BPF_ABS, BPF_IND
    start = k + (x if mode == 0x40 else 0) & _WORD
    layout = {0x00: ">I", 0x08: ">H", 0x10: ">B"}[code & 0x18]
    if start + struct.calcsize(layout) > len(packet):
        return None
    value: int = struct.unpack_from(layout, packet, start)[0]
    return value


def _computed(code: int, a: int, operand: int) -> int:
    operation = code & 0xF0
    if operation == 0x00:
        return a + operand & _WORD
    if operation == 0x10:
        return a - operand & _WORD
    if operation == 0x40:
        return a | operand
    if operation == 0x50:
        return a & operand
    if operation == 0x60:
        return a << operand & _WORD
    assert operation == 0x70, f"no such operation: {code:#x}"
    return a >> operand


def _holds(code: int, a: int, operand: int) -> bool:
    condition = code & 0xF0
    if condition == 0x10:
        return a == operand
    if condition == 0x20:
        return a > operand
    if condition == 0x30:
        return a >= operand
    assert condition == 0x40, f"no such condition: {code:#x}"
    return a & operand != 0
