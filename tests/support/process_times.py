"""How much CPU time a running process has used."""

import os
from pathlib import Path

_USER_TIME = 11
_SYSTEM_TIME = 12
"""Among the fields of `/proc/PID/stat` after the name, which may have blanks (proc(5))."""


def cpu_seconds_of(pid: int) -> float:
    """User and system time of a process and its threads, to 0.01 s; not of its children."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    ticks = int(fields[_USER_TIME]) + int(fields[_SYSTEM_TIME])
    return ticks / os.sysconf("SC_CLK_TCK")
