"""The sliding HyperLogLog against a table of cells, over any stream."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geophone_detector.kernels.sketches import LG_K, REGISTERS, move_base
from geophone_shared.jit import is_interpreted
from tests.support.sketch_model import OneSketch, model_registers

pytestmark = pytest.mark.kernels

# Few registers and ranks, so that names meet in a cell.
_HASHES = st.builds(
    lambda register, rank, rest: ((rest << 1 | 1) << rank << LG_K | register) % (1 << 64),
    st.sampled_from([0, 1, REGISTERS - 1]),
    st.sampled_from([0, 1, 2, 22, 23, 24, 51]),
    st.integers(0, 3),
)
_NAMES = st.lists(
    st.tuples(_HASHES, st.integers(1, 30), st.integers(0, 255)), min_size=1, max_size=40
)


# Interpreted an example takes a third of a second.
@settings(max_examples=10 if is_interpreted() else 4 * settings().max_examples)
@given(_NAMES, st.integers(0, 31), st.integers(0, 12))
def test_any_window_is_that_of_the_names_in_it(
    names: list[tuple[int, int, int]], left: int, moved: int
) -> None:
    hashes = np.array([each[0] for each in names], np.uint64)
    seen = np.array([each[1] for each in names])
    lengths = np.array([each[2] for each in names])
    sketch = OneSketch()
    sketch.see(hashes, seen, lengths)
    move_base(sketch.panes, 0, moved)
    left = max(left, moved)
    registers, mean = sketch.window(left - moved)
    assert registers.tolist() == model_registers(hashes[seen > left]).tolist()
    # A register answers with the first name of its last pane among those of its largest rank.
    answers = []
    for register in np.flatnonzero(registers):
        of_register = [
            (-seen[i], i)
            for i in np.flatnonzero((hashes % np.uint64(REGISTERS) == register) & (seen > left))
            if model_registers(hashes[i : i + 1])[register] == registers[register]
        ]
        answers.append(lengths[min(of_register)[1]])
    assert mean == (np.mean(answers) if answers else 0)
