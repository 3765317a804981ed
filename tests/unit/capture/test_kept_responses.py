"""Raw responses that are kept: which bytes, and that they change no row."""

import pytest

from geophone_capture.decoder import TransactionDecoder
from geophone_shared.hashing import SecretKey
from geophone_shared.transactions import LONGEST_MESSAGE_BYTES, Outcome
from tests.support.carried_streams import fragments_of, in_frame
from tests.support.decoded_rows import Row, rows_of
from tests.support.dns_messages import RESPONSE, ROOT, TXT, message, record
from tests.support.packets import CLIENT, SERVER, Packet, ipv4, packet_block, tcp, udp
from tests.support.scenes import ASK, query, response, us

pytestmark = pytest.mark.kernels

SYN, SYN_ACK = 0x02, 0x12


def kept(
    packets: list[Packet], *, rows_at_a_time: int = 100, room_bytes: int = 1 << 20
) -> tuple[list[list[Row]], list[bytes | None]]:
    """Rows as they are handed out, and their responses."""
    decoder = TransactionDecoder(
        SecretKey.from_bytes(bytes(16)),
        rows_at_a_time=rows_at_a_time,
        keep_responses=True,
        response_bytes_at_a_time=room_bytes,
    )
    portions: list[list[Row]] = []
    responses: list[bytes | None] = []
    for part in (decoder.feed(packet_block(packets)), decoder.close()):
        for transactions in part:
            assert transactions.responses is not None
            portions.append(rows_of(transactions))
            responses += map(transactions.responses.response, range(len(transactions.rows)))
    return portions, responses


def long_response(data_bytes: int, dns_id: int = 1) -> bytes:
    return message([ASK], [record(ROOT, TXT, bytes(data_bytes))], flags=RESPONSE, dns_id=dns_id)


def test_a_response_is_kept_and_where_there_is_none_nothing() -> None:
    answer, unsolicited = long_response(40), long_response(3, 7)
    packets = [query(0), query(0.5, 2), response(1, payload=answer)]
    packets.append(response(2, payload=unsolicited))
    ((*rows,), (unanswered,)), responses = kept(packets)
    assert [row.outcome for row in rows] == [Outcome.ANSWERED, Outcome.UNSOLICITED]
    assert unanswered.outcome == Outcome.UNANSWERED
    assert responses == [answer, unsolicited, None]


def test_over_tcp_without_its_length() -> None:
    answer = long_response(LONGEST_MESSAGE_BYTES - len(long_response(0)))
    assert len(answer) == LONGEST_MESSAGE_BYTES
    stream = len(answer).to_bytes(2) + answer
    asked = message([ASK])
    client = [
        tcp(40_000, 53, sequence=100, flags=SYN),
        tcp(40_000, 53, len(asked).to_bytes(2) + asked, sequence=101),
    ]
    server = [tcp(53, 40_000, sequence=500, flags=SYN_ACK)]
    server += [
        tcp(53, 40_000, stream[start : start + 1_400], sequence=501 + start)
        for start in range(0, len(stream), 1_400)
    ]
    frames = [in_frame(ipv4(segment, 6)) for segment in client]
    frames += [in_frame(ipv4(segment, 6, SERVER, CLIENT)) for segment in server]
    ((row,),), (found,) = kept([Packet(frame, us(at / 1_000)) for at, frame in enumerate(frames)])
    assert found == answer
    assert row.bytes_out == len(answer) + 2


def test_in_fragments() -> None:
    answer = long_response(3_000)
    pieces = fragments_of(ipv4(udp(answer, 53, 40_000), 17, SERVER, CLIENT), 1, [100, 200])
    packets = [query(0), *(Packet(in_frame(piece), us(1)) for piece in reversed(pieces))]
    ((row,),), (found,) = kept(packets)
    assert (found, row.outcome) == (answer, Outcome.ANSWERED)


def test_of_what_the_capture_cut_what_there_is() -> None:
    answer = long_response(300)
    whole = response(1, payload=answer)
    ((row,),), (found,) = kept([query(0), whole.cut(len(whole.frame) - 250)])
    assert found == answer[:-250]
    assert row.bytes_out == len(answer)


def test_where_room_runs_out_rows_are_handed_out_earlier() -> None:
    answers = [long_response(30_000, number) for number in range(5)]
    packets = [response(number, payload=each) for number, each in enumerate(answers)]
    portions, responses = kept(packets, room_bytes=LONGEST_MESSAGE_BYTES + 40_000)
    assert [len(portion) for portion in portions] == [2, 2, 1]
    assert responses == answers


def test_an_earlier_response_is_no_part_of_a_later_row() -> None:
    answer = long_response(20)
    packets = [response(0, payload=answer), query(1, 2), query(2, 2), query(3, 2)]
    _, responses = kept(packets, rows_at_a_time=1)
    assert responses == [answer, None, None, None]


def test_nothing_is_kept_unless_asked_for() -> None:
    decoder = TransactionDecoder(SecretKey.from_bytes(bytes(16)))
    (transactions,) = decoder.feed(packet_block([query(0), response(1)]))
    assert transactions.responses is None
