"""Summaries of domains as CSV: one row per registered domain [core]."""

import csv
import io
from collections.abc import Iterable, Mapping
from typing import Any

_FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
"""What makes a spreadsheet take a cell for a formula (OWASP, CSV injection)."""

_COLUMNS = (
    "rank",
    "registered_domain",
    "window_seconds",
    "unique_hostnames",
    "unique_hostnames_lower",
    "unique_hostnames_upper",
    "exact",
    "information_bytes",
    "queries",
    "unanswered",
    "bytes_in",
    "bytes_out",
    "bytes_total",
    "clients",
    "top_clients",
    "query_types",
    "response_codes",
    "first_seen",
    "last_seen",
    "sample_names",
    "allowed",
    "clients_exact",
    "evidence_since",
)


def domains_csv(domains: Iterable[Mapping[str, Any]]) -> str:
    r"""RFC 4180 with a header, but lines end with LF, so that cut and awk find no stray CR.

    Lists are one cell, their items parted by a blank (`10.0.2.30=222`, `NULL=222`); a blank in a
    name is `\032`, so it can't be mistaken.

    Args:
        domains: as `summaries.summary_to_json` makes them, with their rank.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(_COLUMNS)
    for domain in domains:
        writer.writerow([_cell(domain.get(column)) for column in _COLUMNS])
    return text.getvalue()


def csv_cell(text: str) -> str:
    """`text`, with `'` in front where a spreadsheet would calculate it."""
    return f"'{text}" if text.startswith(_FORMULA_STARTS) else text


def _cell(value: object) -> str | int:
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case int():
            return value
        case dict():
            return csv_cell(" ".join(f"{name}={number}" for name, number in value.items()))
        case list():
            return csv_cell(" ".join(_item(item) for item in value))
        case _:
            return csv_cell(str(value))


def _item(item: object) -> str:
    return f"{item['address']}={item['queries']}" if isinstance(item, dict) else str(item)
