"""What the capture measures [core]."""

from dataclasses import fields

from geophone_capture.fragments import FragmentCounts
from geophone_capture.reasons import NOT_DECODED, NOT_DNS, NOT_VISIBLE, PIECES
from geophone_capture.tcp_events import TcpCounts
from geophone_shared.metrics import common
from geophone_shared.metrics.families import Counter, Family, Gauge, Label

FRAGMENT_EVENTS = tuple(field.name for field in fields(FragmentCounts))
TCP_EVENTS = tuple(field.name for field in fields(TcpCounts) if "bytes" not in field.name)
"""Fields of the counts."""

INPUTS = ("file", "stdin")
"""The interfaces that are none."""

PACKETS = Counter(
    "geophone_capture_packets_total",
    "Packets read, by interface; `file` and `stdin` are interfaces, too.",
    (Label("interface"),),
)
KERNEL_DROPS = Counter(
    "geophone_capture_kernel_drops_total",
    "Packets that the kernel dropped because they weren't read in time.",
    (Label("interface"),),
)
RING_FREEZES = Counter(
    "geophone_capture_ring_freezes_total",
    "Times at which an interface's ring was full, so that packets were dropped.",
    (Label("interface"),),
)
INTERFACE_DOWNS = Counter(
    "geophone_capture_interface_downs_total",
    "Times at which an interface went down or was removed.",
    (Label("interface"),),
)
INTERFACE_UP = Gauge(
    "geophone_capture_interface_up",
    "1 while an interface is there and up, else 0.",
    (Label("interface"),),
)
MESSAGES = Counter(
    "geophone_capture_messages_total",
    "DNS messages decoded, over UDP and TCP.",
    (Label("kind", ("query", "response")),),
)
DECODE_ERRORS = Counter(
    "geophone_capture_decode_errors_total",
    "Packets, and messages over TCP, that are or may hold DNS and could not be used, by why.",
    (Label("reason", tuple(reason.name.lower() for reason in NOT_DECODED)),),
)
OTHER_PACKETS = Counter(
    "geophone_capture_other_packets_total",
    "Packets that aren't DNS, by what they are.",
    (Label("reason", tuple(reason.name.lower() for reason in NOT_DNS)),),
)
PIECE_PACKETS = Counter(
    "geophone_capture_piece_packets_total",
    "Packets on TCP connections of DNS, and IP fragments, by what they are.",
    (Label("reason", tuple(reason.name.lower() for reason in PIECES)),),
)
NOT_VISIBLE_PACKETS = Counter(
    "geophone_capture_not_visible_packets_total",
    "Packets of DNS that only its ends can read, by how it is hidden.",
    (Label("reason", tuple(reason.name.lower() for reason in NOT_VISIBLE)),),
)
TRANSACTIONS = Counter(
    "geophone_capture_transactions_total",
    "DNS transactions completed, by how.",
    (Label("outcome", ("answered", "unanswered", "unsolicited")),),
)
FRAGMENTS = Counter(
    "geophone_capture_fragments_total",
    "IP fragments and their datagrams, by what became of them.",
    (Label("event", FRAGMENT_EVENTS),),
)
TCP_STREAMS = Counter(
    "geophone_capture_tcp_streams_total",
    "TCP segments, connections and messages on ports of DNS, by what became of them.",
    (Label("event", TCP_EVENTS),),
)
FOREIGN_PACKETS = Counter(
    "geophone_capture_foreign_packets_total", "Packets on ports of DNS that are no DNS."
)
FOREIGN_BYTES = Counter("geophone_capture_foreign_bytes_total", "Bytes in those packets.")
CLOCK_OUTLIERS = Counter(
    "geophone_capture_clock_outliers_total",
    "Packets more than a minute ahead of the next one in their file; the clock ignored them.",
)
INVALID_TIMES = Counter(
    "geophone_capture_invalid_times_total",
    "Packets dated outside of 1970 to 9999; they got the time of the one before.",
)
EVICTED_QUERIES = Counter(
    "geophone_capture_evicted_queries_total",
    "Queries closed as unanswered before their time because too many were waiting.",
)
DAMAGED_FILES = Counter(
    "geophone_capture_damaged_files_total", "Captures that could not be read to their end."
)
PENDING_QUERIES = Gauge("geophone_capture_pending_queries", "Queries that wait for their response.")
CLOCK_TIMESTAMP_SECONDS = Gauge(
    "geophone_capture_clock_timestamp_seconds", "The packet clock; Unix time, 0 before a packet."
)
PRODUCER_BATCHES = Counter(
    "geophone_producer_batches_total",
    "Attempts to put a batch on the log, by what came of them.",
    (Label("result", ("acknowledged", "failed")),),
)
PRODUCER_BUFFER_RECORDS = Gauge(
    "geophone_producer_buffer_records", "Batches that wait for the log."
)
PRODUCER_DROPPED = Counter(
    "geophone_producer_dropped_total",
    "Batches that never came to the log, by why.",
    (Label("reason", ("buffer_full", "too_large", "stopped")),),
)
PRODUCER_DROPPED_TRANSACTIONS = Counter(
    "geophone_producer_dropped_transactions_total", "Transactions in those batches."
)
PRODUCER_REPLACEMENTS = Counter(
    "geophone_producer_replacements_total",
    "Connections to the log that made no progress and were replaced.",
)

FAMILIES: tuple[Family, ...] = (
    *common.FAMILIES,
    PACKETS,
    KERNEL_DROPS,
    RING_FREEZES,
    INTERFACE_DOWNS,
    INTERFACE_UP,
    MESSAGES,
    DECODE_ERRORS,
    OTHER_PACKETS,
    PIECE_PACKETS,
    NOT_VISIBLE_PACKETS,
    TRANSACTIONS,
    FRAGMENTS,
    TCP_STREAMS,
    FOREIGN_PACKETS,
    FOREIGN_BYTES,
    CLOCK_OUTLIERS,
    INVALID_TIMES,
    EVICTED_QUERIES,
    DAMAGED_FILES,
    PENDING_QUERIES,
    CLOCK_TIMESTAMP_SECONDS,
    PRODUCER_BATCHES,
    PRODUCER_BUFFER_RECORDS,
    PRODUCER_DROPPED,
    PRODUCER_DROPPED_TRANSACTIONS,
    PRODUCER_REPLACEMENTS,
)
