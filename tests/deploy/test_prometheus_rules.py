"""The rules of Prometheus are right by its own tools, name what exists, and each has its page."""

import re
import subprocess
from collections import defaultdict
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from tests.support.expressions import (
    PROMETHEUS,
    all_expressions,
    metrics_of,
    rules,
    unknown_labels,
    unknown_metrics,
)
from tests.support.outside import PROJECT

RUNBOOKS = PROJECT / "docs" / "runbooks"
SECTIONS = ("## What it means", "## What to look at", "## What to do")

Tool = Callable[[str], Path]


def checked(*command: str | Path) -> None:
    done = subprocess.run(command, cwd=PROMETHEUS, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_tools_find_nothing_wrong(require_tool: Tool) -> None:
    checked(require_tool("promtool"), "check", "config", "prometheus.yml")
    checked(require_tool("promtool"), "check", "rules", "rules/recording.yml", "rules/alerting.yml")
    checked(require_tool("amtool"), "check-config", "alertmanager.yml")


def test_rules_fire_when_they_should(require_tool: Tool) -> None:
    checked(require_tool("promtool"), "test", "rules", "tests/alerts.yml")


def test_each_alert_is_tested_when_it_fires_and_when_it_does_not() -> None:
    document = yaml.safe_load((PROMETHEUS / "tests" / "alerts.yml").read_text(encoding="utf-8"))
    fires: defaultdict[str, set[bool]] = defaultdict(set)
    for case in document["tests"]:
        for test in case["alert_rule_test"]:
            fires[test["alertname"]].add(bool(test["exp_alerts"]))
    assert fires == {name: {True, False} for name in rules("alert")}


@pytest.mark.parametrize(("where", "expression"), list(all_expressions()))
def test_expressions_ask_for_what_exists(where: str, expression: str) -> None:
    assert metrics_of(expression), where
    assert unknown_metrics(expression) == set(), where
    assert unknown_labels(expression) == [], where


def test_what_does_not_exist_is_noticed() -> None:
    assert unknown_metrics("rate(geophone_capture_packet_total[5m])") == {
        "geophone_capture_packet_total"
    }
    assert unknown_metrics("instance:geophone_lag:sum > 0") == {"instance:geophone_lag:sum"}
    wrong = 'geophone_producer_dropped_total{reason=~"stopped|bufer_full", interface="eth0"}'
    assert unknown_labels(wrong) == [
        "geophone_producer_dropped_total is never of reason bufer_full",
        "geophone_producer_dropped_total has no label interface",
    ]


def test_every_alert_has_a_page_and_every_page_an_alert() -> None:
    pages = {path.stem for path in RUNBOOKS.glob("*.md")} - {"README"}
    assert pages == rules("alert").keys()
    for name, rule in rules("alert").items():
        assert rule["annotations"]["runbook_url"] == f"docs/runbooks/{name}.md"
        assert rule["labels"]["severity"] in {"warning", "critical"}
        page = (RUNBOOKS / f"{name}.md").read_text(encoding="utf-8")
        assert page.startswith(f"# {name}\n")
        assert [line for line in page.splitlines() if line.startswith("## ")] == list(SECTIONS)
        assert f"**{rule['labels']['severity'].capitalize()}**" in page
        assert f"({name}.md)" in (RUNBOOKS / "README.md").read_text(encoding="utf-8")


def test_pages_name_metrics_and_pages_that_exist() -> None:
    for path in RUNBOOKS.glob("*.md"):
        page = path.read_text(encoding="utf-8")
        for name in re.findall(r"`(geophone_\w+)", page):
            assert unknown_metrics(name) == set(), path
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", page):
            assert (path.parent / target).exists(), (path, target)
