"""The dashboards can be provisioned as they are, and every question of theirs parses."""

import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.expressions import GRAFANA, dashboards, panel_expressions, panels

DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@pytest.fixture(params=dashboards())
def dashboard(request: pytest.FixtureRequest) -> dict[str, Any]:
    return dashboards()[request.param]


def test_they_are_the_two() -> None:
    assert {name: each["uid"] for name, each in dashboards().items()} == {
        "detection.json": "geophone-detection",
        "pipeline.json": "geophone-pipeline",
    }


def test_nothing_has_to_be_filled_in(dashboard: dict[str, Any]) -> None:
    assert "__inputs" not in dashboard
    assert "__requires" not in dashboard
    assert "id" not in dashboard
    assert not dashboard["editable"]
    source, instance = dashboard["templating"]["list"]
    assert (source["name"], source["type"], source["query"]) == (
        *("datasource", "datasource", "prometheus"),
    )
    assert instance["datasource"] == DATASOURCE
    for panel in panels(dashboard):
        assert panel["datasource"] == DATASOURCE
        assert all(target["datasource"] == DATASOURCE for target in panel["targets"])


def test_panels_have_places_of_their_own(dashboard: dict[str, Any]) -> None:
    cells = [
        (x, y)
        for panel in dashboard["panels"]
        for place in [panel["gridPos"]]
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert all(x < 24 for x, _ in cells)
    ids = [panel["id"] for panel in dashboard["panels"]]
    assert len(ids) == len(set(ids))
    titles = [panel["title"] for panel in dashboard["panels"]]
    assert len(titles) == len(set(titles))


def test_every_expression_parses(require_tool: Callable[[str], Path], tmp_path: Path) -> None:
    rules = [
        {"record": f"parsed:{number}", "expr": expression}
        for number, (_, expression) in enumerate(panel_expressions())
    ]
    file = tmp_path / "expressions.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "parsed", "rules": rules}]}))
    done = subprocess.run(
        [require_tool("promtool"), "check", "rules", "--lint=none", file],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert f"{len(rules)} rules found" in done.stdout


def test_what_is_provisioned_is_there() -> None:
    folder = GRAFANA / "provisioning"
    [source] = yaml.safe_load((folder / "datasources" / "prometheus.yml").read_text())[
        "datasources"
    ]
    assert (source["type"], source["uid"]) == ("prometheus", "geophone-prometheus")
    [provider] = yaml.safe_load((folder / "dashboards" / "geophone.yml").read_text())["providers"]
    assert provider["options"]["path"] == "/etc/grafana/dashboards"
    [generator] = yaml.safe_load((GRAFANA / "kustomization.yaml").read_text())["configMapGenerator"]
    assert {Path(file).name for file in generator["files"]} == set(dashboards())
