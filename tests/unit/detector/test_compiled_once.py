"""Each kernel is compiled for one kind of arguments: another kind would cost seconds again.

Not marked as `kernels`: interpreted there is nothing to see.
"""

from typing import Any, cast

import pytest

from geophone_detector.kernels.layout import PANE_US
from geophone_detector.kernels.observe import observe_rows
from geophone_detector.kernels.pairs import advance_panes
from geophone_shared.jit import is_interpreted
from geophone_shared.transactions import Transactions
from tests.support.detector_rows import DAY_US, DOMAIN, NOON_US, hosts, row, transactions_of
from tests.support.window_driver import create_windows, feed


@pytest.mark.skipif(is_interpreted(), reason="nothing is compiled under NUMBA_DISABLE_JIT=1")
def test_the_kernel_is_compiled_for_one_kind_of_arguments() -> None:
    windows = create_windows()
    feed(windows, [row("a", DOMAIN, NOON_US)])
    feed(create_windows(allow_list=["apple.com"]), [row("a", DOMAIN, NOON_US)], NOON_US)
    part = transactions_of(hosts(range(3), NOON_US))
    windows.observe(Transactions(part.rows[1:], part.names), 0, NOON_US)
    windows.advance((NOON_US + DAY_US) // PANE_US)
    for kernel in (observe_rows, advance_panes):
        assert len(cast("Any", kernel).signatures) == 1
