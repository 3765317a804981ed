"""The window stage alone, at its worst and at its best: every name new, and every name known."""

from collections.abc import Sequence

import numpy as np

from geophone_detector.budgets import MEMORY_BUDGET_BYTES
from geophone_detector.capacities import capacities_within
from geophone_detector.rules import Rule
from geophone_detector.windows import SlidingWindows, Stop
from geophone_shared.suffixes import compile_suffix_set
from geophone_shared.transactions import LONGEST_NAME_BYTES, ROW, Transactions
from tests.bench.pipeline import SECRET
from tests.support.generator.exchanges import EXCHANGE
from tests.support.generator.kernels.wire import write_rows
from tests.support.generator.names import BASE32, Code, compile_names
from tests.support.generator.shapes import site

DOMAINS = 2_000
_NAMES_A_DOMAIN = 1_000
NAMES = DOMAINS * _NAMES_A_DOMAIN
_AT_A_TIME = 16_384
_FIRST_US = 1_767_254_400_000_000
_FAR_US = 1 << 60

_NEVER = Rule(
    name="never",
    measure="unique_hostnames",
    window_seconds=14_400,
    threshold=1 << 40,
    must_exceed=True,
    severity="low",
    reason="the benchmark asks for no decision",
)


_CAPACITIES = capacities_within(MEMORY_BUDGET_BYTES, 0)


def create_windows() -> SlidingWindows:
    """Empty windows with a rule that is never met."""
    return SlidingWindows([_NEVER], compile_suffix_set([]), SECRET, 1 << 30, _CAPACITIES)


def hour_of_names(hour: int, distinct: int = NAMES) -> list[Transactions]:
    """`NAMES` rows, evenly over one hour, that ask for so many names by turns, in random order.

    They are the same names in every hour.
    """
    tables = compile_names([(Code(BASE32, 16, 16),)], [site(i) for i in range(DOMAINS)])
    exchanges = np.zeros(NAMES, EXCHANGE)
    order = np.random.default_rng(hour).permutation(NAMES) % distinct
    exchanges["host"] = order
    exchanges["domain"] = order % DOMAINS
    exchanges["query_type"] = 1
    hour_us = 3_600_000_000
    exchanges["time_us"] = _FIRST_US + hour * hour_us + np.arange(NAMES) * hour_us // NAMES
    exchanges["completed_us"] = exchanges["time_us"]
    made = []
    for first in range(0, NAMES, _AT_A_TIME):
        some = exchanges[first : first + _AT_A_TIME]
        rows = np.zeros(some.size, ROW)
        names = np.zeros(some.size * LONGEST_NAME_BYTES, np.uint8)
        used = write_rows(tables, some, rows, names)
        made.append(Transactions(rows, names[: used + 8].copy()))
    return made


def observe(windows: SlidingWindows, kept: Sequence[Transactions]) -> None:
    """Count rows, without a detector around the windows."""
    for transactions in kept:
        following, stop = 0, None
        while stop is not Stop.EXHAUSTED:
            following, stop = windows.observe(transactions, following, _FAR_US)
            if stop is Stop.PANE_AHEAD:
                windows.advance(windows.ahead_pane)


def live_names(windows: SlidingWindows) -> int:
    """How many names the windows hold."""
    return int(windows.tables.heads[0]["live_pairs"])
