"""What a reading has done, as metrics."""

from collections.abc import Mapping

from geophone_capture import metrics as families
from geophone_capture.live.ring import RingStatistics
from geophone_capture.reasons import NOT_DECODED, NOT_DNS, NOT_VISIBLE, PIECES, Reason
from geophone_capture.turns import Progress
from geophone_shared.metrics.registry import Metrics
from geophone_shared.transactions import Outcome


def count_progress(
    metrics: Metrics, interface: str | None, now: Progress, before: Progress | None
) -> None:
    """Count what was read since `before`; None for the beginning.

    Args:
        metrics: of the capture.
        interface: where the packets come from: `file` or `stdin`; None for real interfaces, whose
            packets `count_rings` counts.
        now: what was read so far.
        before: likewise, at the last call.
    """
    packets = {
        reason: count - (0 if before is None else before.packets[reason])
        for reason, count in now.packets.items()
    }
    if interface is not None:
        metrics.add(families.PACKETS, sum(packets.values()), interface=interface)
    messages = {
        reason: count - (0 if before is None else before.stream_messages[reason])
        for reason, count in now.stream_messages.items()
    }
    for kind in (Reason.QUERY, Reason.RESPONSE):
        metrics.add(families.MESSAGES, packets[kind] + messages[kind], kind=kind.name.lower())
    for reason in NOT_DECODED:
        count = packets[reason] + messages[reason]
        metrics.add(families.DECODE_ERRORS, count, reason=reason.name.lower())
    for family, reasons in (
        (families.OTHER_PACKETS, NOT_DNS),
        (families.PIECE_PACKETS, PIECES),
        (families.NOT_VISIBLE_PACKETS, NOT_VISIBLE),
    ):
        for reason in reasons:
            metrics.add(family, packets[reason], reason=reason.name.lower())
    for outcome, count in now.outcomes.items():
        known = 0 if before is None else before.outcomes[outcome]
        metrics.add(families.TRANSACTIONS, count - known, outcome=outcome.name.lower())
    for family, field in (
        (families.CLOCK_OUTLIERS, "clock_outliers"),
        (families.INVALID_TIMES, "invalid_times"),
        (families.EVICTED_QUERIES, "evicted"),
        (families.FOREIGN_PACKETS, "foreign_packets"),
        (families.FOREIGN_BYTES, "foreign_bytes"),
    ):
        known = 0 if before is None else getattr(before, field)
        metrics.add(family, getattr(now, field) - known)
    for event in families.FRAGMENT_EVENTS:
        known = 0 if before is None else getattr(before.fragments, event)
        metrics.add(families.FRAGMENTS, getattr(now.fragments, event) - known, event=event)
    for event in families.TCP_EVENTS:
        known = 0 if before is None else getattr(before.tcp, event)
        metrics.add(families.TCP_STREAMS, getattr(now.tcp, event) - known, event=event)
    known = 0 if before is None else len(before.damages)
    metrics.add(families.DAMAGED_FILES, max(0, len(now.damages) - known))
    # Every query waits until it is a transaction, and nothing else waits.
    closed = now.outcomes[Outcome.ANSWERED] + now.outcomes[Outcome.UNANSWERED]
    queries = now.packets[Reason.QUERY] + now.stream_messages[Reason.QUERY]
    metrics.set(families.PENDING_QUERIES, queries - closed)
    metrics.set(families.CLOCK_TIMESTAMP_SECONDS, now.clock_us / 1_000_000)


def count_rings(
    metrics: Metrics, now: Mapping[str, RingStatistics], before: Mapping[str, RingStatistics]
) -> None:
    """Count what happened on interfaces, by name, since `before`."""
    nothing = RingStatistics()
    for interface, ring in now.items():
        old = before.get(interface, nothing)
        for family, count in (
            (families.PACKETS, ring.received - old.received),
            (families.KERNEL_DROPS, ring.dropped - old.dropped),
            (families.RING_FREEZES, ring.freezes - old.freezes),
            (families.INTERFACE_DOWNS, ring.downs - old.downs),
        ):
            metrics.add(family, count, interface=interface)
        metrics.set(families.INTERFACE_UP, ring.is_up, interface=interface)
