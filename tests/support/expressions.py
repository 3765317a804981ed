"""The PromQL of rules and dashboards, and the metrics that there are for it."""

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

import geophone_alerter.metrics
import geophone_capture.metrics
import geophone_detector.metrics
from geophone_shared.metrics.families import Family, Histogram
from tests.support.outside import PROJECT

PROMETHEUS = PROJECT / "deploy" / "prometheus"
GRAFANA = PROJECT / "deploy" / "grafana"

FAMILIES: dict[str, Family] = {
    family.name: family
    for module in (geophone_alerter, geophone_capture, geophone_detector)
    for family in module.metrics.FAMILIES
}

_OF_OTHERS = {"up", "process_cpu_seconds_total", "process_resident_memory_bytes"}
"""Metrics that Prometheus and its client make."""
_SELECTOR = re.compile(r"(\w+)\{([^}]*)\}")
_MATCHER = re.compile(r'(\w+)(=~|!~|!=|=)"([^"]*)"')
_NAME = re.compile(r"\b(?:(?:geophone|process)_\w+|up\b|\w+:\w+:\w+)")
_OF_TARGETS = {"job", "instance"}


def rule_groups() -> list[dict[str, Any]]:
    """The groups of all files of rules."""
    return [group for file in rule_files() for group in _yaml(file)["groups"]]


def rule_files() -> list[Path]:
    return sorted((PROMETHEUS / "rules").glob("*.yml"))


def rules(kind: str) -> dict[str, dict[str, Any]]:
    """The rules of a kind (`alert`, `record`) by their names."""
    return {rule[kind]: rule for group in rule_groups() for rule in group["rules"] if kind in rule}


def dashboards() -> dict[str, dict[str, Any]]:
    """The dashboards by the names of their files."""
    files = sorted((GRAFANA / "dashboards").glob("*.json"))
    return {file.name: json.loads(file.read_text(encoding="utf-8")) for file in files}


def panels(dashboard: dict[str, Any]) -> list[dict[str, Any]]:
    """Those that show something."""
    return [panel for panel in dashboard["panels"] if panel["type"] != "row"]


def panel_expressions() -> Iterator[tuple[str, str]]:
    """What each panel asks for, with the dashboard's variables filled in, and where it stands."""
    for name, dashboard in dashboards().items():
        for panel in panels(dashboard):
            for target in panel["targets"]:
                expression = target["expr"].replace("$instance", ".+")
                yield f"{name}: {panel['title']}", expression.replace("$__rate_interval", "1m")


def all_expressions() -> Iterator[tuple[str, str]]:
    """Those of rules and panels."""
    for kind in ("alert", "record"):
        for name, rule in rules(kind).items():
            yield name, rule["expr"]
    yield from panel_expressions()


def metrics_of(expression: str) -> set[str]:
    """The metrics that it asks for."""
    return set(_NAME.findall(re.sub(r'"[^"]*"', '""', expression)))


def unknown_metrics(expression: str) -> set[str]:
    """Those of its metrics that no service, no recording rule and nobody else has."""
    known = {name for family in FAMILIES.values() for name in _series_names(family)}
    return metrics_of(expression) - known - _OF_OTHERS - rules("record").keys()


def unknown_labels(expression: str) -> list[str]:
    """Sentences on labels, and values of labels, that a metric of Geophone can't have."""
    sentences = []
    for name, selector in _SELECTOR.findall(expression):
        family = FAMILIES.get(re.sub(r"_(bucket|sum|count)$", "", name))
        if family is None:
            continue
        labels = {label.name: label.values for label in family.labels}
        for label, _, value in _MATCHER.findall(selector):
            if label in _OF_TARGETS:
                continue
            if label not in labels:
                sentences.append(f"{name} has no label {label}")
            elif (values := labels[label]) is not None:
                unknown = set(value.split("|")) - set(values)
                sentences.extend(f"{name} is never of {label} {each}" for each in unknown)
    return sentences


def _series_names(family: Family) -> tuple[str, ...]:
    if isinstance(family, Histogram):
        return tuple(f"{family.name}_{part}" for part in ("bucket", "sum", "count"))
    return (family.name,)


def _yaml(file: Path) -> Any:
    return yaml.safe_load(file.read_text(encoding="utf-8"))
