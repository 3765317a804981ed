"""What a replay found, as one JSON object: `geophone.replay/1`. All other output is made of it."""

from collections.abc import Iterable, Sequence
from dataclasses import asdict

import numpy as np

from geophone_capture.decoder import TransactionDecoder
from geophone_capture.foreign_clients import ForeignClient
from geophone_capture.reasons import NOT_DECODED, NOT_DNS, NOT_VISIBLE, PIECES, Reason
from geophone_capture.sources import CaptureStream
from geophone_detector.detector import Detector
from geophone_detector.kernels.layout import WINDOW_SECONDS
from geophone_detector.top import top_domains
from geophone_shared.alerts import Alert, to_json
from geophone_shared.errors import ConfigError
from geophone_shared.jit import Array
from geophone_shared.summaries import summary_to_json
from geophone_shared.timestamps import rfc3339
from geophone_shared.transactions import Outcome

MOST_ALERTS = 100_000
"""Alerts that a report keeps; later ones are counted."""

MOST_FOREIGN_CLIENTS = 20


class ReplayReport:
    """Collects outcomes and alerts while a replay runs."""

    def __init__(self, files: Sequence[str], top: int, window_seconds: int) -> None:
        if window_seconds not in WINDOW_SECONDS:
            raise ConfigError(f"{window_seconds} s is not a window: use 10m, 4h or 24h")
        self._files = files
        self._top = top
        self._window = WINDOW_SECONDS.index(window_seconds)
        self._outcomes = np.zeros(len(Outcome), np.int64)
        self._alerts: dict[str, Alert] = {}
        self._alerts_left_out = 0

    def count(self, rows: Array) -> None:
        """Count rows by how they ended."""
        self._outcomes += np.bincount(rows["outcome"], minlength=len(Outcome))

    def add(self, events: Iterable[Alert]) -> None:
        """Keep each alert in its last state, in the order in which they opened."""
        for event in events:
            if event.id in self._alerts or len(self._alerts) < MOST_ALERTS:
                self._alerts[event.id] = event
            else:
                self._alerts_left_out += event.state == "opened"

    def to_json(
        self,
        stream: CaptureStream,
        decoder: TransactionDecoder,
        detector: Detector,
        is_interrupted: bool,  # noqa: FBT001
        elapsed_seconds: float,
    ) -> dict[str, object]:
        """The report; its fields are described in docs/replay.md."""
        counts, streamed = decoder.counts(), decoder.counts_of_streams()
        tables = detector.windows.tables
        top = top_domains(tables, detector.windows.archive, self._window, self._top)
        counters = _detector_counters(decoder, detector)
        counters["alerts_left_out"] = self._alerts_left_out
        return {
            "schema": "geophone.replay/1",
            "capture": {
                "files": list(self._files),
                "packets": decoder.packets,
                "bytes": stream.bytes_read,
                "first": _time(decoder.first_us),
                "last": _time(decoder.last_us),
                "damaged": bool(stream.damages),
                "clock_outliers": decoder.clock_outliers,
                "invalid_times": stream.invalid_times,
            },
            "messages": {
                "queries": counts[Reason.QUERY] + streamed[Reason.QUERY],
                "responses": counts[Reason.RESPONSE] + streamed[Reason.RESPONSE],
            },
            "pieces": _nonzero(counts, PIECES),
            "tcp_messages": _nonzero(streamed, Reason),
            "reassembly": {
                "ip": asdict(decoder.fragment_counts),
                "tcp": asdict(decoder.tcp_counts),
            },
            "transactions": {
                "total": int(self._outcomes.sum()),
                "answered": int(self._outcomes[Outcome.ANSWERED]),
                "unanswered": int(self._outcomes[Outcome.UNANSWERED]),
                "unsolicited": int(self._outcomes[Outcome.UNSOLICITED]),
            },
            "not_decoded": _nonzero(counts, NOT_DECODED),
            "not_dns": _nonzero(counts, NOT_DNS),
            "not_visible": _nonzero(counts, NOT_VISIBLE),
            "foreign_clients": [
                _foreign(client) for client in decoder.foreign_clients()[:MOST_FOREIGN_CLIENTS]
            ],
            "top_domains": [summary_to_json(each, rank) for rank, each in enumerate(top, start=1)],
            "alerts": [to_json(alert) for alert in self._alerts.values()],
            "rules": [
                {
                    "name": rule.name,
                    "measure": rule.measure,
                    "window_seconds": rule.window_seconds,
                    "threshold": rule.threshold,
                }
                for rule in detector.rules
            ],
            "detector": counters,
            "warnings": [*map(str, stream.damages), *_warnings(counters)],
            "interrupted": is_interrupted,
            "elapsed_seconds": round(elapsed_seconds, 3),
        }


def _time(time_us: int | None) -> str | None:
    return None if time_us is None else rfc3339(time_us)


def _nonzero(counts: dict[Reason, int], reasons: Iterable[Reason]) -> dict[str, int]:
    return {reason.name.lower(): counts[reason] for reason in reasons if counts[reason]}


def _foreign(client: ForeignClient) -> dict[str, object]:
    return {
        "address": str(client.address),
        "packets": client.packets,
        "bytes": client.bytes,
        "bytes_at_most": client.bytes + client.missed_bytes,
    }


def _detector_counters(decoder: TransactionDecoder, detector: Detector) -> dict[str, int]:
    windows = detector.windows
    tables = windows.tables
    heads = tables.heads[0]
    return {
        "exact_cap": tables.exact_cap,
        "domains": int(heads["live_domains"]),
        "domains_sketched": windows.sketched.begun,
        "domains_swept": windows.swept_domains,
        "names_at_cap": int(heads["names_at_cap"]),
        "names_without_room": int(heads["names_without_room"]),
        "rows_without_room": int(heads["rows_without_room"]),
        "late_rows": int(heads["late_rows"]),
        "future_rows": int(heads["future_rows"]),
        "evidence_taken": int(heads["evidence_taken"]),
        "alerts_refused": detector.alerts_refused,
        "pending_evicted": decoder.evicted,
    }


def _warnings(counters: dict[str, int]) -> list[str]:
    sentences = {
        "domains_sketched": "{} domains had more than {exact_cap} hostnames; theirs are estimated"
        " with bounds (--exact-cap raises the number)",
        "domains_swept": "{} domains with few hostnames were forgotten early because memory was"
        " full",
        "names_at_cap": "{} rows had a new hostname of a domain for which no sketch was left;"
        " its counts are lower bounds",
        "names_without_room": "{} rows had a new hostname that the full table could not take",
        "rows_without_room": "{} rows of new domains were left out because the table was full",
        "late_rows": "{} rows lay more than 24 hours behind and were left out of the windows",
        "future_rows": "{} rows are dated ahead of this machine's clock and were counted as of it",
        "alerts_refused": "{} crossings opened no alert because too many domains had open ones",
        "alerts_left_out": "{} alerts more were opened than a report keeps",
        "pending_evicted": "{} queries were closed early because too many waited for a response",
    }
    return [
        sentence.format(f"{counters[counter]:,}", **counters)
        for counter, sentence in sentences.items()
        if counters[counter]
    ]
