"""Once a capture is warm, no kernel is left to be compiled, or loaded, while packets come."""

import subprocess
import sys

import pytest

from geophone_shared.jit import is_interpreted

_LEFT = """
import sys
from numba.core.dispatcher import Dispatcher
import geophone_capture.service
from geophone_capture.warming import warm

warm()
called = {
    value
    for name, module in list(sys.modules.items())
    if name.startswith("geophone_") and ".kernels" not in name and "jit" not in name
    for value in vars(module).values()
    if isinstance(value, Dispatcher)
}
assert {"walk_ring_block", "copy_packets", "merge_packets"} < {
    each.py_func.__qualname__ for each in called
}
print(*sorted(each.py_func.__qualname__ for each in called if len(each.signatures) != 1))
"""


@pytest.mark.skipif(is_interpreted(), reason="kernels aren't compiled")
def test_compiles_every_kernel_that_a_capture_calls() -> None:
    done = subprocess.run([sys.executable, "-c", _LEFT], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
