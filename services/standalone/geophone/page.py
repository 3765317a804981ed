"""Pages for a person: sections, tables, labelled facts, as plain text or with colours.

Everything that is shown is handed to rich as `Text`, never as markup: a domain name or a file
name is hostile text, and rich would obey `[red]` or `[link=…]` in it.
"""

import io
import shutil
import sys
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Literal

from rich.console import Console, Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from geophone.escaping import terminal_text
from geophone.output import is_terminal
from geophone.top_table import TopTable
from geophone_alerter import render

PIPED_WIDTH = 100
_WIDEST = 120
"""Lines longer than this are hard to read; a wider terminal stays empty at the right."""

_SEVERITY_STYLES = {"high": "bold red", "medium": "bold yellow", "low": "bold cyan"}


def page(sections: Sequence[RenderableType], *, width: int, has_reader: bool) -> str:
    """The sections with empty lines between them.

    Colours are for a terminal that wants them (`NO_COLOR`, `TERM=dumb`).

    Args:
        sections: what is shown.
        width: characters in a line.
        has_reader: False for plain text; `FORCE_COLOR` overrides it.
    """
    written = io.StringIO()
    console = Console(
        file=written,
        width=usable_width(width),
        force_terminal=has_reader or None,
        markup=False,
        highlight=False,
        emoji=False,
        legacy_windows=False,
    )
    for index, part in enumerate(sections):
        if index:
            console.print()
        console.print(part)
    return "".join(line.rstrip() + "\n" for line in written.getvalue().split("\n")[:-1])


def standard_output() -> tuple[int, bool]:
    """How wide standard output is, and whether a person reads it."""
    has_reader = is_terminal(sys.stdout)
    return (shutil.get_terminal_size().columns if has_reader else PIPED_WIDTH), has_reader


def usable_width(width: int) -> int:
    """As much of a line as is used."""
    return min(width, _WIDEST)


def escaped(text: str, style: str = "") -> Text:
    """A text that can't steer the terminal."""
    return Text(terminal_text(text), style=style, overflow="fold")


def section(title: str, *parts: RenderableType) -> Group:
    """A title and what is below it."""
    return Group(escaped(title, "bold"), *(Padding(part, (0, 0, 0, 2)) for part in parts))


def hanging(
    rows: Iterable[tuple[str, str]], *, style: str = "", justify: Literal["left", "right"] = "left"
) -> Table:
    """Texts beside their labels; a text that takes several lines stays right of its label."""
    table = Table.grid(padding=(0, 2, 0, 0))
    table.add_column(no_wrap=True, style=style, justify=justify)
    table.add_column()
    for label, text in rows:
        table.add_row(escaped(label), escaped(text))
    return table


def alert_part(alert: Mapping[str, Any], first_packet: str | None = None) -> Group:
    """An alert with its evidence; `first_packet` as for `render.facts`."""
    head = Text.assemble(
        escaped(alert["severity"].upper(), _SEVERITY_STYLES.get(alert["severity"], "bold")),
        "  ",
        escaped(render.headline(alert)),
        overflow="fold",
    )
    facts = hanging(render.facts(alert, first_packet), style="dim")
    return Group(head, Padding(facts, (0, 0, 0, 2)))


def table_part(shown: TopTable) -> Table:
    """A table of domains."""
    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="dim")
    for column in shown.columns:
        table.add_column(
            column.title, justify="right" if column.is_number else "left", no_wrap=True
        )
    for row in shown.rows:
        table.add_row(*(escaped(cell) for cell in row))
    return table
