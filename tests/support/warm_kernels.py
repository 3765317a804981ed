"""Which kernels a service calls, and whether they are ready once it is warm."""

import json
import subprocess
import sys

_COUNTED = """
import json, sys
from importlib import import_module
from numba.core.dispatcher import Dispatcher

import_module(sys.argv[1] + ".service")
import_module(sys.argv[1] + ".warming").warm()
called = {
    value
    for name, module in list(sys.modules.items())
    if name.startswith("geophone_") and ".kernels" not in name and "jit" not in name
    for value in vars(module).values()
    if isinstance(value, Dispatcher)
}
print(json.dumps([(each.py_func.__qualname__, len(each.signatures)) for each in called]))
"""


def warm_kernels(package: str) -> list[tuple[str, int]]:
    """Each kernel that a service's modules call, and for how many signatures it is compiled.

    Args:
        package: of the service; it is warmed in a process of its own.
    """
    command = (sys.executable, "-c", _COUNTED, package)
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [(name, signatures) for name, signatures in json.loads(done.stdout)]
