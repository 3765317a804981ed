"""A missing outside part skips and says why; where everything is required, it fails."""

from pathlib import Path

import pytest

from tests.support import outside


@pytest.fixture
def empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("GEOPHONE_CAPTURES", str(tmp_path))
    monkeypatch.delenv("GEOPHONE_REQUIRE_ALL", raising=False)
    return tmp_path


def test_a_missing_capture_skips_and_says_how_to_get_it(empty_folder: Path) -> None:
    with pytest.raises(pytest.skip.Exception, match="make captures") as skipped:
        outside.require_capture("absent.pcap")
    assert str(empty_folder) in str(skipped.value)


def test_a_missing_capture_fails_where_everything_is_required(
    empty_folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GEOPHONE_REQUIRE_ALL", "1")
    with pytest.raises(pytest.fail.Exception, match=r"absent\.pcap"):
        outside.require_capture("absent.pcap")


def test_a_capture_is_found_in_the_folder_that_the_environment_names(empty_folder: Path) -> None:
    (empty_folder / "here.pcap").touch()
    assert outside.require_capture("here.pcap") == empty_folder / "here.pcap"


def test_a_relative_folder_counts_from_the_project_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOPHONE_CAPTURES", "tests/data")
    assert outside.captures_folder() == outside.PROJECT / "tests" / "data"
    assert (outside.PROJECT / "pyproject.toml").is_file()


@pytest.mark.parametrize("required", [False, True])
def test_a_missing_tool_names_its_debian_package(
    monkeypatch: pytest.MonkeyPatch, *, required: bool
) -> None:
    monkeypatch.setenv("GEOPHONE_REQUIRE_ALL", "1" if required else "0")
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    expected = pytest.fail.Exception if required else pytest.skip.Exception
    with pytest.raises(expected, match="apt-get install iproute2"):
        outside.require_tool("ip")


def test_a_tool_on_the_search_path_is_found() -> None:
    assert outside.require_tool("sh").name == "sh"
