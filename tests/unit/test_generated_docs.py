"""Files that are written from others say what those say."""

from pathlib import Path

import pytest

from geophone_shared.settings.loading import Flag, load_settings
from geophone_shared.settings.paths import environment_name
from geophone_shared.settings.settings import all_settings
from tests.support.generated_docs import PAGES
from tests.support.outside import PROJECT
from tests.support.settings import set_environment


@pytest.mark.parametrize("name", PAGES)
def test_pages_are_current(name: str) -> None:
    committed = Path(PROJECT, name).read_text(encoding="utf-8")
    assert committed == PAGES[name](), "run `make docs`"


def test_every_setting_is_on_the_page_once() -> None:
    page = PAGES["docs/configuration.md"]()
    for path in all_settings():
        assert page.count(f"`{environment_name(path)}` |") == 1


def test_the_page_s_example_is_right(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = PAGES["docs/configuration.md"]()
    file = tmp_path / "geophone.toml"
    file.write_text(page.split("```toml\n")[1].split("```")[0], encoding="utf-8")
    set_environment(monkeypatch, {})
    settings = load_settings([Flag("--config", "config_file", file)])
    assert settings.detector.rule_thresholds.unique_hostnames == 300
    assert settings.alerter.email.recipients == ("soc@example.com",)
