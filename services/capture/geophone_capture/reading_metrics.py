"""What a reading has done, as metrics."""

from geophone_capture import metrics as families
from geophone_capture.reading import Progress
from geophone_capture.reasons import NOT_DECODED, NOT_DNS, Reason
from geophone_shared.metrics.registry import Metrics
from geophone_shared.transactions import Outcome


def count_progress(
    metrics: Metrics, interface: str, now: Progress, before: Progress | None
) -> None:
    """Count what was read since `before`; None for the beginning.

    Args:
        metrics: of the capture.
        interface: where the packets come from: `file` or `stdin`.
        now: what was read so far.
        before: likewise, at the last call.
    """
    packets = {
        reason: count - (0 if before is None else before.packets[reason])
        for reason, count in now.packets.items()
    }
    metrics.add(families.PACKETS, sum(packets.values()), interface=interface)
    metrics.add(families.MESSAGES, packets[Reason.QUERY], kind="query")
    metrics.add(families.MESSAGES, packets[Reason.RESPONSE], kind="response")
    for reason in NOT_DECODED:
        metrics.add(families.DECODE_ERRORS, packets[reason], reason=reason.name.lower())
    for reason in NOT_DNS:
        metrics.add(families.OTHER_PACKETS, packets[reason], reason=reason.name.lower())
    for outcome, count in now.outcomes.items():
        known = 0 if before is None else before.outcomes[outcome]
        metrics.add(families.TRANSACTIONS, count - known, outcome=outcome.name.lower())
    for family, field in (
        (families.CLOCK_OUTLIERS, "clock_outliers"),
        (families.INVALID_TIMES, "invalid_times"),
        (families.EVICTED_QUERIES, "evicted"),
    ):
        known = 0 if before is None else getattr(before, field)
        metrics.add(family, getattr(now, field) - known)
    known = 0 if before is None else len(before.damages)
    metrics.add(families.DAMAGED_FILES, max(0, len(now.damages) - known))
    # Every query waits until it is a transaction, and nothing else waits.
    closed = now.outcomes[Outcome.ANSWERED] + now.outcomes[Outcome.UNANSWERED]
    metrics.set(families.PENDING_QUERIES, now.packets[Reason.QUERY] - closed)
    metrics.set(families.CLOCK_TIMESTAMP_SECONDS, now.clock_us / 1_000_000)
