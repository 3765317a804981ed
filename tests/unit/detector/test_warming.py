"""Once a detector is warm, no kernel is left to be compiled, or loaded, while there is work."""

import subprocess
import sys

import pytest

from geophone_shared.jit import is_interpreted

_LEFT = """
import sys
from numba.core.dispatcher import Dispatcher
import geophone_detector.service
from geophone_detector.warming import warm

warm()
called = {
    value
    for name, module in list(sys.modules.items())
    if name.startswith("geophone_") and ".kernels" not in name and "jit" not in name
    for value in vars(module).values()
    if isinstance(value, Dispatcher)
}
assert len(called) > 10
print(*sorted(each.py_func.__qualname__ for each in called if not each.signatures))
"""


@pytest.mark.skipif(is_interpreted(), reason="kernels aren't compiled")
def test_compiles_every_kernel_that_a_detector_calls() -> None:
    done = subprocess.run([sys.executable, "-c", _LEFT], check=True, capture_output=True, text=True)
    assert done.stdout.split() == []
