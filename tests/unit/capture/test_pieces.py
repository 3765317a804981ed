"""Pieces of a sequence of bytes against a dict of bytes."""

from hypothesis import given
from hypothesis import strategies as st

from geophone_capture.pieces import PIECE_COST_BYTES, Piece, Pieces


@st.composite
def some_pieces(draw: st.DrawFn) -> list[Piece]:
    made = []
    for number in range(draw(st.integers(0, 12))):
        start = draw(st.integers(0, 40))
        wire_bytes = draw(st.integers(1, 16))
        kept_bytes = draw(st.just(wire_bytes) | st.integers(0, wire_bytes))
        made.append(Piece(start, start + wire_bytes, bytes([number]) * kept_bytes))
    return made


@given(some_pieces())
def test_first_copy_of_each_byte_stays(given_pieces: list[Piece]) -> None:
    pieces, model = Pieces(), dict[int, int | None]()
    for piece in given_pieces:
        new = [at for at in range(piece.start, piece.end) if at not in model]
        assert pieces.add(piece) == len(new)
        captured = dict(enumerate(piece.payload, piece.start))
        model |= {at: captured.get(at) for at in new}
    found: dict[int, int | None] = {}
    reached = -1
    for start, end, payload in pieces.sorted:
        assert reached <= start < end
        assert len(payload) <= end - start
        reached = end
        captured = dict(enumerate(payload, start))
        found |= {at: captured.get(at) for at in range(start, end)}
    assert found == model
    assert pieces.covered_bytes == len(model)
    kept_bytes = sum(value is not None for value in model.values())
    assert pieces.cost_bytes == PIECE_COST_BYTES * len(pieces.sorted) + kept_bytes


@given(some_pieces())
def test_pieces_are_taken_from_the_front(given_pieces: list[Piece]) -> None:
    pieces = Pieces()
    for piece in given_pieces:
        pieces.add(piece)
    expected = list(pieces.sorted)
    assert [pieces.pop_first() for _ in expected] == expected
    assert (pieces.covered_bytes, pieces.cost_bytes) == (0, 0)


def test_only_the_very_same_piece_is_there_already() -> None:
    pieces = Pieces()
    pieces.add(Piece(8, 16, b"12345678"))
    assert pieces.has(Piece(8, 16, b"12345678"))
    assert not pieces.has(Piece(8, 16, b"1234567X"))
    assert not pieces.has(Piece(8, 15, b"1234567"))
    assert not pieces.has(Piece(16, 24, b"12345678"))
