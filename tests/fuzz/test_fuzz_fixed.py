"""Every fuzz target over its seeds and a fixed number of their mutations."""

from dataclasses import fields
from typing import Any

import pytest

from geophone_capture.fragments import FragmentCounts, Fragments
from geophone_capture.reasons import Reason
from geophone_capture.tcp_events import TcpCounts
from geophone_capture.tcp_streams import TcpStreams
from geophone_shared.batch import decode_batch
from geophone_shared.errors import InvalidRecordError
from geophone_shared.jit import is_interpreted
from tests.fuzz import (
    capture_files,
    dns_messages,
    ip_fragments,
    log_batches,
    merged_captures,
    tcp_segments,
)
from tests.fuzz.capture_reading import Reading
from tests.fuzz.target import Target, fixed_inputs, run_fixed_inputs
from tests.support.decoded import decode

pytestmark = pytest.mark.kernels


@pytest.mark.parametrize(
    ("target", "compiled", "interpreted"),
    [
        pytest.param(capture_files.TARGET, 3_000, 600, id="capture files"),
        pytest.param(merged_captures.TARGET, 400, 150, id="merged captures"),
        pytest.param(dns_messages.TARGET, 6_000, 1_500, id="DNS messages"),
        pytest.param(log_batches.TARGET, 10_000, 8_000, id="log batches"),
        pytest.param(ip_fragments.TARGET, 8_000, 100, id="IP fragments"),
        pytest.param(tcp_segments.TARGET, 8_000, 100, id="TCP segments"),
    ],
)
def test_promises_hold(target: Target, compiled: int, interpreted: int) -> None:
    run_fixed_inputs(target, interpreted if is_interpreted() else compiled)


# What follows looks at where the mutations get: a target that is never reached promises nothing.


def test_captures_are_read_to_their_end_up_to_damage_and_not_at_all() -> None:
    found = [
        capture_files.read_bytes(data, 1_000) for data in fixed_inputs(capture_files.TARGET, 300)
    ]
    good = [reading for reading in found if isinstance(reading, Reading) and not reading.is_damaged]
    damaged = [reading for reading in found if isinstance(reading, Reading) and reading.is_damaged]
    refused = {reading for reading in found if isinstance(reading, str)}
    assert min(len(good), len(damaged), len(refused)) >= 20
    assert sum(len(reading.rows) for reading in damaged) >= 20


def test_messages_are_decoded_and_refused_for_every_reason() -> None:
    found = [
        decode(wire[1:])
        for data in fixed_inputs(dns_messages.TARGET, 200)
        for wire in data.split(dns_messages.BORDER)
    ]
    assert {answer for answer in found if isinstance(answer, Reason)} == {
        Reason.SHORT_MESSAGE,
        Reason.NO_QUESTION,
        Reason.TRUNCATED_MESSAGE,
        Reason.BAD_POINTER,
        Reason.BAD_LABEL_TYPE,
        Reason.NAME_TOO_LONG,
    }
    assert sum(not isinstance(answer, Reason) for answer in found) >= 100


def test_fragments_are_put_together_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Fragments] = []

    def create(*arguments: int, **options: int) -> Fragments:
        made.append(Fragments(*arguments, **options))
        return made[-1]

    monkeypatch.setattr(ip_fragments, "Fragments", create)
    run_fixed_inputs(ip_fragments.TARGET, 500)
    for field in fields(FragmentCounts):
        assert sum(getattr(each.counts, field.name) > 0 for each in made) >= 5, field.name


def test_segments_come_to_messages_and_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[TcpStreams] = []

    def create(**options: Any) -> TcpStreams:
        made.append(TcpStreams(**options))
        return made[-1]

    monkeypatch.setattr(tcp_segments, "TcpStreams", create)
    run_fixed_inputs(tcp_segments.TARGET, 500)
    for field in fields(TcpCounts):
        assert sum(getattr(each.counts, field.name) > 0 for each in made) >= 5, field.name


def test_batches_are_refused_at_every_layer() -> None:
    found = set()
    for data in fixed_inputs(log_batches.TARGET, 1_000):
        try:
            decode_batch(data)
        except InvalidRecordError as error:
            found.add(str(error))
        else:
            found.add("decoded")
    assert {"zstd_frame", "arrow", "schema", "row_name", "decoded"} <= found


def test_input_that_breaks_a_promise_is_told() -> None:
    def fuzz_one(data: bytes) -> None:
        assert b"\xff" not in data

    target = Target(fuzz_one, lambda: [b"harmless"])
    with pytest.raises(AssertionError) as raised:
        run_fixed_inputs(target, 100)
    (note,) = raised.value.__notes__
    _, _, data = note.partition("fromhex(")
    with pytest.raises(AssertionError):
        fuzz_one(bytes.fromhex(data.strip("')")))


def test_inputs_are_the_same_on_every_run() -> None:
    once, again = (list(fixed_inputs(log_batches.TARGET, 50)) for _ in range(2))
    assert once == again
    assert len(set(once)) > 40
