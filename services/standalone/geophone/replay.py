"""`geophone replay`: capture files through capture and detector, without a log between them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from geophone.report import ReplayReport
from geophone_capture.decoder import TransactionDecoder
from geophone_capture.sources import CaptureStream
from geophone_detector.allow_list import SHIPPED_ENTRIES, parse_allow_list, wire_entries
from geophone_detector.capacities import (
    MEMORY_BUDGET_BYTES,
    SKETCH_BUDGET_BYTES,
    capacities_within,
)
from geophone_detector.detector import Detector
from geophone_detector.rules import EXACT_CAP_NAMES, SHIPPED_RULES, with_thresholds
from geophone_shared.errors import ConfigError
from geophone_shared.hashing import SecretKey
from geophone_shared.jit import remember_compiled
from geophone_shared.kernels.domains import assign_domain_offsets
from geophone_shared.suffixes import SuffixTable, compile_suffix_set, load_suffixes
from geophone_shared.transactions import Outcome, Transactions

_CLOCK_TOLERANCE_US = 60_000_000
"""A row dated further ahead of this machine's clock is counted as of then."""


@dataclass(frozen=True, slots=True)
class ReplayOptions:
    """What to replay, and how.

    Attributes:
        files: paths of capture files; `-` is standard input.
        top: domains in the table.
        window_seconds: the window that ranks the table.
        rule_thresholds: rule name → threshold in place of the shipped one.
        allow_list_file: path of an allow list in place of the shipped one.
        use_allow_list: False to judge every domain.
        answered_only: leave out unanswered and unsolicited transactions.
        exact_cap_names: live names of a domain that are counted exactly.
        memory_budget_bytes: for the tables; full, they are swept.
        sketch_budget_bytes: for the domains above the exact cap.
        ports: UDP ports that carry DNS.
    """

    files: tuple[str, ...]
    top: int = 10
    window_seconds: int = 14_400
    rule_thresholds: dict[str, int] = field(default_factory=dict)
    allow_list_file: str | None = None
    use_allow_list: bool = True
    answered_only: bool = False
    exact_cap_names: int = EXACT_CAP_NAMES
    memory_budget_bytes: int = MEMORY_BUDGET_BYTES
    sketch_budget_bytes: int = SKETCH_BUDGET_BYTES
    ports: tuple[int, ...] = (53,)


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a replay is; `size_bytes` is None where it isn't known (standard input)."""

    packets: int
    position_bytes: int
    size_bytes: int | None


def replay(
    options: ReplayOptions, on_progress: Callable[[Progress], None] | None
) -> dict[str, object]:
    """The report of a replay, `geophone.replay/1`.

    Ctrl-C ends it early: the report then says so and covers what was read until then.

    Raises:
        ConfigError: the options or the files can't be used.
    """
    started_seconds = time.monotonic()
    stages = _Stages(options, time.time_ns() // 1000 + _CLOCK_TOLERANCE_US)
    decoder = stages.decoder
    is_interrupted = False
    with CaptureStream(options.files) as stream:
        try:
            for block in stream:
                for transactions in decoder.feed(block):
                    stages.detect(transactions)
                if on_progress is not None:
                    on_progress(Progress(decoder.packets, stream.position_bytes, stream.size_bytes))
        except KeyboardInterrupt:
            is_interrupted = True
        for transactions in decoder.close():
            stages.detect(transactions)
        stages.end()
        remember_compiled()
        return stages.report.to_json(
            stream, decoder, stages.detector, is_interrupted, time.monotonic() - started_seconds
        )


class _Stages:
    """Capture and detector of one replay, and what is reported of them."""

    def __init__(self, options: ReplayOptions, latest_us: int) -> None:
        # Which secret it is changes nothing here: names are counted one by one.
        secret = SecretKey.derived_from("\0".join(options.files).encode(errors="surrogateescape"))
        rules = with_thresholds(SHIPPED_RULES, options.rule_thresholds)
        self.decoder = TransactionDecoder(secret, options.ports)
        self.detector = Detector(
            rules,
            _allow_list(options),
            secret,
            options.exact_cap_names,
            capacities_within(options.memory_budget_bytes, options.sketch_budget_bytes),
        )
        self.report = ReplayReport(options.files, options.top, options.window_seconds)
        self._suffixes = load_suffixes()
        self._latest_us = latest_us
        self._answered_only = options.answered_only

    def detect(self, transactions: Transactions) -> None:
        """Find the rows' registered domains and count them."""
        rows, names = transactions.rows, transactions.names
        assign_domain_offsets(rows, names, self._suffixes.slots, self._suffixes.labels)
        self.report.count(rows)
        if self._answered_only:
            transactions = Transactions(rows[rows["outcome"] == Outcome.ANSWERED], names)
        self.report.add(self.detector.observe(transactions, self._latest_us))

    def end(self) -> None:
        """Bring the windows to the last packet's time."""
        clock_us = self.decoder.clock_us
        if clock_us is not None:
            self.report.add(self.detector.advance(min(clock_us, self._latest_us)))


def _allow_list(options: ReplayOptions) -> SuffixTable:
    if not options.use_allow_list:
        return compile_suffix_set([])
    if options.allow_list_file is None:
        return compile_suffix_set(wire_entries(SHIPPED_ENTRIES))
    path = Path(options.allow_list_file)
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ConfigError(f"the allow list {path} can't be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise ConfigError(f"the allow list {path} isn't UTF-8 text") from error
    return compile_suffix_set(parse_allow_list(text, str(path)))
