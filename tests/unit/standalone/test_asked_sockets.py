"""How many packet sockets are opened, before anybody reads the command line in earnest."""

from pathlib import Path

import pytest

from geophone.asked_sockets import asked_sockets

TWO = {"GEOPHONE_CAPTURE_INTERFACES": "eth0, eth1"}


@pytest.mark.parametrize(
    ("line", "environment", "expected"),
    [
        ("run --interface eth0", {}, 1),
        ("capture --bootstrap-servers a:1 --interface=eth0 --interface eth1", {}, 2),
        ("run --interface eth0", TWO, 1),
        ("run", TWO, 2),
        ("run", {"GEOPHONE_CAPTURE_INTERFACES": ""}, 0),
        ("run -", TWO, 0),
        ("run --file a.pcap", TWO, 0),
        ("run --file=a.pcap", TWO, 0),
        ("capture devices", TWO, 0),
        ("capture --help --interface eth0", {}, 0),
        ("replay --interface eth0", TWO, 0),
        ("detector", TWO, 0),
        ("", TWO, 0),
    ],
)
def test_by_command_line_and_environment(
    line: str, environment: dict[str, str], expected: int
) -> None:
    assert asked_sockets(line.split(), environment) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ('[capture]\ninterfaces = ["eth0", "eth1"]', 2),
        ('[capture]\ninterfaces = "eth0,eth1"', 2),
        ("[capture]\ninterfaces = 3", 0),
        ("capture = 1", 0),
        ("[capture]", 0),
        ("not TOML", 0),
        ("\xff", 0),
    ],
)
def test_by_a_file(text: str, expected: int, tmp_path: Path) -> None:
    file = tmp_path / "geophone.toml"
    file.write_text(text, encoding="latin-1")
    assert asked_sockets(["run", "--config", str(file)], {}) == expected
    assert asked_sockets(["run", f"--config={file}"], {}) == expected
    assert asked_sockets(["run"], {"GEOPHONE_CONFIG_FILE": str(file)}) == expected
    assert asked_sockets(["run", "--interface", "a", "--config", str(file)], TWO) == 1


def test_a_file_that_is_missing_asks_for_none(tmp_path: Path) -> None:
    assert asked_sockets(["run", "--config", str(tmp_path / "none")], {}) == 0
