"""Kernel: the packet clock moves though no packet comes, as on a quiet interface."""

from geophone_capture.kernels.matching import TIMEOUT_US
from geophone_capture.kernels.pending import NONE, Pending
from geophone_capture.kernels.rows import Output, close_unanswered
from geophone_shared.jit import int64, kernel


@kernel
def age_pending(pending: Pending, output: Output, clock_us: int) -> bool:
    """Complete the queries that a packet of that time would find too old, and move the clock.

    Args:
        pending: the queries that wait.
        output: where the rows go.
        clock_us: every packet that follows is at least as late.

    Returns:
        Whether all is done; if not, the output was full: call again with emptied output.
    """
    progress = output.progress
    while True:
        if progress[0]["row_count"] + 1 > output.rows.size:
            return False
        entry = int64(pending.heads[0]["oldest"])
        if entry == NONE:
            break
        timeout_us = int64(pending.entries[entry]["time_us"]) + int64(TIMEOUT_US)
        if clock_us < timeout_us:
            break
        close_unanswered(pending, output, entry, timeout_us, int64(0))
    progress[0]["clock_us"] = max(progress[0]["clock_us"], int64(clock_us))
    return True
