"""After warming nothing of the decoder's kernels is left to compile."""

from typing import Any

import pytest

from geophone_capture.decoder_warming import compile_kernels
from geophone_capture.kernels import decoding, foreign
from geophone_shared.jit import is_interpreted

KERNELS: tuple[Any, ...] = (
    decoding.transactions_from_packets,
    decoding.transaction_from_message,
    decoding.close_failed,
    decoding.close_pending,
    foreign.count_foreign,
)


@pytest.mark.skipif(is_interpreted(), reason="kernels aren't compiled")
def test_every_kernel_is_compiled() -> None:
    compile_kernels()
    assert all(kernel.signatures for kernel in KERNELS)
