import io

import pytest
from rich.console import Console

from geophone.progress import progress_bar
from geophone.replay import Progress


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    for name in ("NO_COLOR", "TTY_INTERACTIVE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm")
    return Console(file=io.StringIO(), force_terminal=True, width=100)


def drawn(console: Console) -> str:
    assert isinstance(console.file, io.StringIO)
    return console.file.getvalue()


def test_the_bar_shows_share_and_rate(console: Console) -> None:
    with progress_bar(console, quiet_seconds=0) as on_progress:
        on_progress(Progress(packets=0, position_bytes=0, size_bytes=4_000))
        on_progress(Progress(packets=1_000, position_bytes=1_000, size_bytes=4_000))
    assert "Reading" in drawn(console)
    assert "25 %" in drawn(console)
    assert "packets/s" in drawn(console)


def test_without_a_known_size_there_is_a_rate_but_no_share(console: Console) -> None:
    with progress_bar(console, quiet_seconds=0) as on_progress:
        on_progress(Progress(packets=0, position_bytes=0, size_bytes=None))
        on_progress(Progress(packets=1_000, position_bytes=1_000, size_bytes=None))
    assert "packets/s" in drawn(console)
    assert "%" not in drawn(console)


def test_what_is_over_soon_draws_nothing(console: Console) -> None:
    with progress_bar(console, quiet_seconds=60) as on_progress:
        on_progress(Progress(packets=1_000, position_bytes=4_000, size_bytes=4_000))
    assert drawn(console).strip() == ""


def test_the_bar_is_wiped_out_also_after_an_error(console: Console) -> None:
    def read_until_it_fails() -> None:
        with progress_bar(console, quiet_seconds=0) as on_progress:
            on_progress(Progress(packets=1, position_bytes=1, size_bytes=2))
            raise RuntimeError

    with pytest.raises(RuntimeError):
        read_until_it_fails()
    show_cursor, erase_line = "\x1b[?25h", "\x1b[2K"
    assert drawn(console).rindex(show_cursor) > drawn(console).rindex("50 %")
    assert drawn(console).endswith(erase_line)
