"""Options of the services: what is captured, and what can't be meant."""

import io
from collections.abc import Sequence

import pytest

from geophone.service_options import Option, flags_of, source_options
from geophone_shared.errors import ConfigError


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def options(
    source: str | None, files: Sequence[str] | None, interfaces: Sequence[str] | None = None
) -> list[Option]:
    return source_options(source, files, interfaces, "2", shift_to_now=True, exit_at_end=False)


FILES, INTERFACES = "capture.files", "capture.interfaces"


@pytest.mark.parametrize(
    ("source", "files", "interfaces", "named"),
    [
        (None, ["a", "b"], None, [("--file", FILES, ("a", "b")), ("--file", INTERFACES, ())]),
        ("-", None, None, [("-", FILES, ("-",)), ("-", INTERFACES, ())]),
        (
            *(None, None, ["eth0"]),
            [("--interface", INTERFACES, ("eth0",)), ("--interface", FILES, ())],
        ),
        (None, None, None, []),
    ],
)
def test_what_is_named_is_captured_and_nothing_else(
    source: str | None,
    files: list[str] | None,
    interfaces: list[str] | None,
    named: list[tuple[str, str, object]],
) -> None:
    assert options(source, files, interfaces) == [
        *named,
        ("--speed", "capture.speed", "2"),
        ("--shift-to-now", "capture.shift_to_now", True),
        ("--exit-at-end", "capture.exit_at_end", None),
    ]


def test_an_interface_and_a_capture_can_not_be_meant() -> None:
    for source, files in ((None, ["a.pcap"]), ("-", None)):
        with pytest.raises(ConfigError, match="exclude each other"):
            options(source, files, ["eth0"])


@pytest.mark.parametrize(
    ("source", "files", "told"),
    [
        ("a.pcap", None, "captures are given with --file: --file a.pcap"),
        ("-", ["a.pcap"], "exclude each other"),
    ],
)
def test_what_can_not_be_meant(source: str, files: list[str] | None, told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        options(source, files)


def test_the_keyboard_is_no_capture(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", Terminal())
    with pytest.raises(ConfigError, match="pipe a capture into it"):
        options("-", None)
    assert options(None, ["a.pcap"])[0][2] == ("a.pcap",)


def test_options_are_settings_under_their_names() -> None:
    [flag] = flags_of([("--ops", "capture.ops", "127.0.0.1:1")])
    assert (flag.option, flag.path, flag.value) == ("--ops", "capture.ops", "127.0.0.1:1")
