"""What a `geophone` process returns [core]."""

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes; where several apply, CONFIG, INTERRUPTED, ALERT, PARTIAL win in this order.

    A bug's traceback is Python's: RUNTIME. UNAVAILABLE (`EX_TEMPFAIL` of sysexits.h) is an outside
    part that didn't answer: the same start may succeed later. NO_PERMISSION (`EX_NOPERM`) is a
    privilege that the process wasn't given, or a broker that doesn't let its user.
    """

    OK = 0
    RUNTIME = 1
    CONFIG = 2
    ALERT = 3
    PARTIAL = 4
    UNAVAILABLE = 75
    NO_PERMISSION = 77
    INTERRUPTED = 130
