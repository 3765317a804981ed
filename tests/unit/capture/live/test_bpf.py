import pytest

from geophone_capture.live.bpf import (
    JA,
    JEQ,
    LD_B_ABS,
    MOST_INSTRUCTIONS,
    RET_K,
    Instruction,
    Label,
    Step,
    assemble,
    encode,
    parse_decimal,
)
from geophone_shared.errors import ConfigError
from tests.support import bpf_interpreter
from tests.support.socket_filters import kernel_accepts


def _one_of(count: int) -> list[Step | Label]:
    """Accepts packets whose first octet is one of so many values; every jump is a long one."""
    return [
        Step(LD_B_ABS, 0),
        *(Step(JEQ, value % 200, "accept") for value in range(count)),
        Step(RET_K),
        Label("accept"),
        Step(RET_K, 9),
    ]


@pytest.mark.parametrize("count", [10, 254, 255, 256, 257, 1_300])
def test_jumps_reach_whatever_the_distance(count: int) -> None:
    program = assemble(_one_of(count))
    assert all(max(step.jt, step.jf) <= 255 for step in program)
    packets = [bytes([value]) for value in (0, 9, 199, 200, 255)]
    expected = [0 <= packet[0] < min(count, 200) for packet in packets]
    assert [bpf_interpreter.run(program, packet) == 9 for packet in packets] == expected
    assert kernel_accepts(program, packets) == expected


def test_a_condition_that_fails_may_lead_far_as_well() -> None:
    filling = [Step(LD_B_ABS, 0)] * 300
    steps: list[Step | Label] = [
        Step(LD_B_ABS, 0),
        Step(JEQ, 1, None, "reject"),
        *filling,
        Step(RET_K, 9),
        Label("reject"),
        Step(RET_K),
    ]
    assert kernel_accepts(assemble(steps), [b"\1", b"\2"]) == [True, False]


def test_a_jump_without_a_condition_leaves_steps_out() -> None:
    steps: list[Step | Label] = [Step(JA, yes="end"), Step(RET_K), Label("end"), Step(RET_K, 4)]
    assert bpf_interpreter.run(assemble(steps), b"") == 4


def test_a_program_that_is_too_long_is_refused() -> None:
    with pytest.raises(ConfigError, match="name fewer ports"):
        assemble(_one_of(MOST_INSTRUCTIONS))


def test_instructions_are_packed_as_the_kernel_wants_them() -> None:
    packed = encode((Instruction(0x15, 1, 2, 0x01020304),))
    assert len(packed) == 8
    assert memoryview(packed)[4:].cast("I")[0] == 0x01020304


def test_the_text_of_tcpdump_is_read() -> None:
    expected = (Instruction(48, 0, 0, 0), Instruction(6, 0, 0, 262_144))
    assert parse_decimal("2\n48 0 0 0\n6 0 0 262144\n", "f") == expected
    assert parse_decimal("2,48 0 0 0,6 0 0 262144", "f") == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "f is not a packet filter as `tcpdump -ddd` prints it"),
        ("port 53", "is not a packet filter"),
        ("2\n6 0 0 1\n", "is not a packet filter"),
        ("1\n6 0 -1 1\n", "is not a packet filter"),
        ("1\n6 0 0\n", "instruction 1 of"),
        ("1\n6 0 256 1\n", "instruction 1 of"),
        ("1\n6 0 0 4294967296\n", "instruction 1 of"),
        ("0\n", "takes 1 to 4,096"),
        ("4097\n" + "6 0 0 1\n" * 4_097, "takes 1 to 4,096"),
        ("1\n6 0 0 ٣\n", "is not a packet filter"),
    ],
)
def test_other_text_is_refused(text: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        parse_decimal(text, "f")
