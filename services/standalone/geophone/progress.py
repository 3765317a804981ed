"""The progress bar of `geophone replay`: share, rate and remaining time."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from geophone.replay import Progress
from geophone_alerter import wording

_QUIET_SECONDS = 0.5
"""What is over by then needs no bar."""


@contextmanager
def progress_bar(
    console: Console, quiet_seconds: float = _QUIET_SECONDS
) -> Iterator[Callable[[Progress], None]]:
    """A callback that draws the bar on `console`, from `quiet_seconds` after now on.

    The bar disappears at the end, before anything else is written.
    """
    bar = Bar(
        TextColumn("Reading"),
        BarColumn(),
        TextColumn("{task.fields[share]}"),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=console,
        transient=True,
    )
    shown = _ShownProgress(bar, time.monotonic() + quiet_seconds)
    try:
        yield shown.update
    finally:
        bar.stop()


class _ShownProgress:
    """Feeds the bar, which starts late; the rate leaves out what happened before the first call."""

    def __init__(self, bar: Bar, start_seconds: float) -> None:
        self._bar = bar
        self._start_seconds = start_seconds
        self._task = bar.add_task("", total=None, share="", rate="")
        self._first: tuple[float, int] | None = None

    def update(self, progress: Progress) -> None:
        now_seconds = time.monotonic()
        first_seconds, first_packets = self._first = self._first or (now_seconds, progress.packets)
        elapsed_seconds = now_seconds - first_seconds
        rate = (progress.packets - first_packets) / elapsed_seconds if elapsed_seconds else 0
        size = progress.size_bytes
        self._bar.update(
            self._task,
            completed=progress.position_bytes,
            total=size,
            share=wording.share(progress.position_bytes, size) if size else "",
            rate=f"{rate:,.0f} packets/s" if rate else "",
        )
        if now_seconds >= self._start_seconds:
            self._bar.start()
