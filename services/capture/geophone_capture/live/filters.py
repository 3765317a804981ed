"""Which packets the kernel lets into the ring [core]."""

from geophone_capture.live.bpf import (
    ACCEPT_BYTES,
    RET_K,
    Instruction,
    Program,
)
from geophone_capture.live.options import LiveOptions


def program_for(link: int, options: LiveOptions) -> Program:
    """The filter program for an interface.

    Args:
        link: LINKTYPE_ number of what it captures: 1 Ethernet, 101 plain IP.
        options: what is asked for.
    """
    if options.raw_filter is not None:
        return options.raw_filter
    return (Instruction(RET_K, 0, 0, ACCEPT_BYTES),)
