"""Once a capture is warm, no kernel is left to be compiled, or loaded, while packets come."""

import pytest

from geophone_shared.jit import is_interpreted
from tests.support.warm_kernels import warm_kernels


@pytest.mark.skipif(is_interpreted(), reason="kernels aren't compiled")
def test_compiles_every_kernel_that_a_capture_calls() -> None:
    called = warm_kernels("geophone_capture")
    names = {name for name, _ in called}
    assert {"walk_ring_block", "copy_packets", "merge_packets"} < names
    assert [name for name, signatures in called if signatures != 1] == []
