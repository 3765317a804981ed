"""The top table: which columns fit a width, and what stands in them."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geophone_alerter import render, wording

_GAP = 2
_SHORTEST_DOMAIN = 24
"""Columns give way until a domain has this much room, or all that it wants."""


@dataclass(frozen=True, slots=True)
class Column:
    """A column; where there is no room, the one with the largest `gives_way` goes first."""

    title: str
    text: Callable[[Mapping[str, Any]], str]
    is_number: bool = True
    gives_way: int = 0


@dataclass(frozen=True, slots=True)
class TopTable:
    """Columns and cells that fit, the registered domain's already shortened."""

    columns: tuple[Column, ...]
    rows: tuple[tuple[str, ...], ...]


def _query_types(row: Mapping[str, Any]) -> str:
    types = row["query_types"] or {}
    names = sorted(types, key=lambda name: -types[name])
    return " ".join(names[:2]) + (f" +{len(names) - 2}" if len(names) > 2 else "")  # noqa: PLR2004


_DOMAIN = Column("domain", lambda row: str(row["registered_domain"]), is_number=False)
_COLUMNS = (
    Column("#", lambda row: wording.count(row["rank"])),
    _DOMAIN,
    Column("hostnames", render.hostnames),
    Column("information", lambda row: wording.human_bytes(row["information_bytes"]), gives_way=2),
    Column("queries", lambda row: wording.count(row["queries"])),
    Column("unanswered", lambda row: wording.count(row["unanswered"]), gives_way=3),
    Column("bytes in", lambda row: wording.human_bytes(row["bytes_in"])),
    Column("bytes out", lambda row: wording.human_bytes(row["bytes_out"])),
    Column("clients", render.clients, gives_way=1),
    Column("types", _query_types, is_number=False, gives_way=4),
)


def top_table(report: Mapping[str, Any], width: int) -> TopTable:
    """The table of a report `geophone.replay/1` in at most `width` characters."""
    rows = report["top_domains"]
    marks = _marks(report)
    columns = [
        *_COLUMNS,
        Column("", lambda row: marks.get(row["registered_domain"], ""), is_number=False),
    ]
    if not any(row["registered_domain"] in marks for row in rows):
        columns.pop()
    wanted = max((len(_DOMAIN.text(row)) for row in rows), default=0)
    while True:
        room = width - sum(_width(column, rows) + _GAP for column in columns if column != _DOMAIN)
        weakest = max(columns, key=lambda column: column.gives_way)
        if room >= min(wanted, _SHORTEST_DOMAIN) or not weakest.gives_way:
            break
        columns.remove(weakest)
    room = max(room, len(_DOMAIN.title))
    return TopTable(
        tuple(columns),
        tuple(
            tuple(
                wording.shortened(column.text(row), room) if column == _DOMAIN else column.text(row)
                for column in columns
            )
            for row in rows
        ),
    )


def _marks(report: Mapping[str, Any]) -> dict[str, str]:
    """Registered domain → what to know of it at a glance; an alert on an allowed one is none."""
    marks = {alert["registered_domain"]: "alert" for alert in report["alerts"]}
    return marks | {
        row["registered_domain"]: "allowed" for row in report["top_domains"] if row["allowed"]
    }


def _width(column: Column, rows: Sequence[Mapping[str, Any]]) -> int:
    return max([len(column.title), *(len(column.text(row)) for row in rows)])
