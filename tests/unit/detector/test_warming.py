"""Once a detector is warm, no kernel is left to be compiled, or loaded, while there is work."""

import pytest

from geophone_shared.jit import is_interpreted
from tests.support.warm_kernels import warm_kernels


@pytest.mark.skipif(is_interpreted(), reason="kernels aren't compiled")
def test_compiles_every_kernel_that_a_detector_calls() -> None:
    called = warm_kernels("geophone_detector")
    assert len(called) > 10
    assert [name for name, signatures in called if not signatures] == []
