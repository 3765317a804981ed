"""`geophone replay`: capture files through capture and detector, without a log between them."""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from geophone.background import Background
from geophone.report import ReplayReport
from geophone.transactions_output import transactions_output
from geophone_capture.decoder import TransactionDecoder
from geophone_capture.decoder_warming import compile_kernels
from geophone_capture.sources import CaptureStream
from geophone_detector.allow_list_file import read_allow_list
from geophone_detector.budgets import (
    EXACT_CAP_NAMES,
    MEMORY_BUDGET_BYTES,
    SKETCH_BUDGET_BYTES,
)
from geophone_detector.capacities import capacities_within
from geophone_detector.detector import Detector
from geophone_detector.rules import SHIPPED_RULES, with_thresholds
from geophone_shared.hashing import SecretKey
from geophone_shared.jit import is_compiled, is_interpreted, remember_compiled
from geophone_shared.kernels.domains import assign_domain_offsets
from geophone_shared.suffixes import SuffixTable, compile_suffix_set, load_suffixes
from geophone_shared.transactions import Outcome, Transactions

_CLOCK_TOLERANCE_US = 60_000_000
"""A row dated further ahead of this machine's clock is counted as of then."""

_KEY_INPUT_BYTES = 64 << 10
"""So much of the input makes the key of its hash tables."""

JOB = "replay"
"""Its name, for the kernels that it needs."""


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
        ports: of DNS, UDP and TCP.
        secret: the key of the hash tables; None for the one that the input gives.
        transactions: path of a file for the transactions, a document a line; `-` is standard
            output.
        keep_responses: whether they have the records of the responses.
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
    secret: SecretKey | None = None
    transactions: str | None = None
    keep_responses: bool = False


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
    started_us = _now_us()
    rules = with_thresholds(SHIPPED_RULES, options.rule_thresholds)
    allow_list = _allow_list(options)
    capacities = capacities_within(options.memory_budget_bytes, options.sketch_budget_bytes)
    report = ReplayReport(options.files, options.top, options.window_seconds)
    is_interrupted = False
    with (
        CaptureStream(options.files) as stream,
        transactions_output(options.transactions, options.files) as write,
    ):
        try:
            secret = options.secret or _key_of(stream)
        except KeyboardInterrupt:
            is_interrupted = True
            stream.end_here()
            secret = _key_of(stream)
        if not is_interpreted() and not is_compiled(JOB):
            compile_kernels()  # also those that this capture doesn't need, for the next one
        decoder = TransactionDecoder(secret, options.ports, keep_responses=options.keep_responses)
        detector = Detector(rules, allow_list, secret, options.exact_cap_names, capacities)
        # What a pipe brings may be younger than the start: it is measured by the clock as it comes.
        now_us = _now_us if stream.size_bytes is None else lambda: started_us
        stages = _Stages(decoder, detector, report, now_us, write, options.answered_only)
        # Each takes about half of the time, and little of it in Python: two cores share it.
        with Background(stages.detect) as detecting:
            try:
                for block in stream:
                    for transactions in decoder.feed(block):
                        stages.prepare(transactions)
                        detecting.give(transactions)
                    if on_progress is not None:
                        on_progress(
                            Progress(decoder.packets, stream.position_bytes, stream.size_bytes)
                        )
            except KeyboardInterrupt:
                is_interrupted = True
        for transactions in decoder.close():
            stages.prepare(transactions)
            stages.detect(transactions)
        stages.end()
        remember_compiled(JOB)
        return report.to_json(
            stream, decoder, detector, is_interrupted, time.monotonic() - started_seconds
        )


def _key_of(stream: CaptureStream) -> SecretKey:
    """The key that belongs to the input, wherever it lies and however it is packed.

    Of a pipe it waits for as much as it takes; after an interruption it takes what there is.
    """
    return SecretKey.derived_from(stream.start(_KEY_INPUT_BYTES))


class _Stages:
    """Capture and detector of one replay, and what is reported of them."""

    def __init__(
        self,
        decoder: TransactionDecoder,
        detector: Detector,
        report: ReplayReport,
        now_us: Callable[[], int],
        write: Callable[[str], None] | None,
        answered_only: bool,  # noqa: FBT001
    ) -> None:
        self._decoder = decoder
        self._detector = detector
        self._report = report
        self._suffixes = load_suffixes()
        self._now_us = now_us
        self._write = write
        self._answered_only = answered_only

    def prepare(self, transactions: Transactions) -> None:
        """Find the rows' registered domains, and write the rows where that is asked for."""
        rows, names = transactions.rows, transactions.names
        assign_domain_offsets(rows, names, self._suffixes.slots, self._suffixes.labels)
        if self._write is None:
            return
        from geophone.transaction_documents import document_line  # noqa: PLC0415 - loads dnspython

        for row, outcome in enumerate(rows["outcome"]):
            if outcome == Outcome.ANSWERED or not self._answered_only:
                self._write(document_line(transactions, row))

    def detect(self, transactions: Transactions) -> None:
        """Count the rows, and judge."""
        rows, names = transactions.rows, transactions.names
        self._report.count(rows)
        if self._answered_only:
            transactions = Transactions(rows[rows["outcome"] == Outcome.ANSWERED], names)
        self._report.add(self._detector.observe(transactions, self._latest_us()))

    def end(self) -> None:
        """Bring the windows to the last packet's time."""
        clock_us = self._decoder.clock_us
        if clock_us is not None:
            self._report.add(self._detector.advance(min(clock_us, self._latest_us())))

    def _latest_us(self) -> int:
        return self._now_us() + _CLOCK_TOLERANCE_US


def _now_us() -> int:
    return time.time_ns() // 1000


def _allow_list(options: ReplayOptions) -> SuffixTable:
    if not options.use_allow_list:
        return compile_suffix_set([])
    file = options.allow_list_file
    return read_allow_list(None if file is None else Path(file))
