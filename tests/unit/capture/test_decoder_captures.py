"""The third-party captures: outcomes as literals, the published tunnel to the last byte.

Interpreted kernels look at the published one alone; the others take them minutes.
"""

import statistics
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from geophone_capture.reasons import Reason
from geophone_shared.transactions import Note, Outcome
from tests.support.decoded_rows import decode_capture

CAPTURES = [
    # Queries, responses, ARP; answered, unanswered, unsolicited.
    ("dns-tunnel-iodine.pcap", (222, 212, 4), (212, 10, 0)),
    ("iodine-cname.pcap", (9_089, 8_360, 0), (8_360, 729, 0)),
    ("dnscat2-txt_00001_20230903183304.pcap", (3_975, 3_975, 0), (3_974, 1, 1)),
    ("normal_00000_20230805150331.pcap", (15_000, 15_000, 0), (14_621, 379, 379)),
    ("normal_00007_20230805194417.pcap", (15_000, 15_000, 0), (14_903, 97, 97)),
    ("normal_00023_20230805221350.pcap", (15_000, 15_000, 0), (14_875, 125, 125)),
    ("normal_00041_20230806114902.pcap", (15_000, 15_000, 0), (14_779, 221, 221)),
]


@pytest.mark.parametrize(("file", "packets", "outcomes"), CAPTURES)
def test_captures(
    captures: Callable[[str], Path],
    file: str,
    packets: tuple[int, int, int],
    outcomes: tuple[int, int, int],
) -> None:
    decoder, rows = decode_capture(captures(file))
    queries, responses, arps = packets
    expected = Counter({Reason.QUERY: queries, Reason.RESPONSE: responses, Reason.ARP: arps})
    assert decoder.counts() == {reason: expected[reason] for reason in Reason}
    found = Counter(row.outcome for row in rows)
    assert tuple(found[outcome] for outcome in Outcome) == outcomes
    assert decoder.evicted == 0
    completed_us = np.array([row.completed_us for row in rows])
    assert (np.diff(completed_us) >= 0).all()


@pytest.mark.kernels
def test_the_published_tunnel(captures: Callable[[str], Path]) -> None:
    _, rows = decode_capture(captures("dns-tunnel-iodine.pcap"))
    answered = [row for row in rows if row.outcome == Outcome.ANSWERED]
    assert sum(row.bytes_in for row in rows) == 16_812
    assert sum(row.bytes_in for row in answered) == 14_235
    assert sum(row.bytes_out for row in rows) == 35_212
    assert len({row.name for row in rows}) == len({row.name.lower() for row in rows}) == 222
    assert {row.query_type for row in rows} == {10}
    assert {row.response_flags & 0xF for row in rows} == {0}
    assert {row.client.port for row in rows} == {44_639}
    assert {row.client.address[-4:] for row in rows} == {bytes([10, 0, 2, 30])}

    notes = Counter(note for row in answered for note in row.notes)
    assert notes == {Note.RESPONDER_WITHOUT_EDNS: 210, Note.OVERSIZE_WITHOUT_EDNS: 5}
    assert sum(row.notes == Note(0) for row in answered) == 2
    unanswered = Counter(row.notes for row in rows if row.outcome == Outcome.UNANSWERED)
    assert unanswered == {Note.NO_RESPONSE: 9, Note.NO_RESPONSE | Note.INPUT_ENDED: 1}

    durations_us = sorted(row.duration_us for row in answered)
    assert durations_us[0] == 93
    assert round(statistics.median(durations_us)) == 13_704
    assert durations_us[-1] == 4_005_927


def test_the_first_packet_of_dnscat2_is_a_response_without_its_query(
    captures: Callable[[str], Path],
) -> None:
    _, rows = decode_capture(captures("dnscat2-txt_00001_20230903183304.pcap"))
    assert len(rows) == 3_976
    assert rows[0].outcome == Outcome.UNSOLICITED
    assert rows[0].notes == Note.NO_QUERY
