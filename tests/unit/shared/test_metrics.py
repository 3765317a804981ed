"""Metrics: what is declared is there from the start, and nothing else ever is."""

import random
from collections.abc import Iterator
from types import ModuleType
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

import geophone_alerter.metrics
import geophone_capture.metrics
import geophone_detector.metrics
from geophone_shared import __version__
from geophone_shared.metrics import common
from geophone_shared.metrics.families import Counter, Family, Gauge, Histogram, Label
from geophone_shared.metrics.registry import Metrics

SERVICES = (geophone_capture.metrics, geophone_detector.metrics, geophone_alerter.metrics)
VALUES = {
    "interface": ("file",),
    "partition": ("0", "1"),
    "stage": ("capture", "detector", "alerter"),
}

PACKETS = Counter("packets_total", "Packets.", (Label("interface"), Label("kind", ("a", "b"))))
LAG = Gauge("lag_records", "Lag.", (Label("partition"),))
DOMAINS = Gauge("domains", "Domains.")
LATENCY = Histogram("latency_seconds", "Latency.", (), (1.0, 5.0))


def series(metrics: Metrics) -> dict[str, float]:
    """All series but the process's, as a scraper reads them."""
    found = {}
    for family in text_string_to_metric_families(metrics.text().decode()):
        for sample in family.samples:
            labels = ",".join(f"{name}={value}" for name, value in sample.labels.items())
            if not sample.name.startswith("process_"):
                found[f"{sample.name}{{{labels}}}"] = sample.value
    return found


@pytest.fixture
def metrics() -> Metrics:
    return Metrics([PACKETS, LAG, DOMAINS, LATENCY], VALUES)


def test_every_series_is_there_from_the_start(metrics: Metrics) -> None:
    assert series(metrics) == {
        "packets_total{interface=file,kind=a}": 0,
        "packets_total{interface=file,kind=b}": 0,
        "domains{}": 0,
        "latency_seconds_bucket{le=1.0}": 0,
        "latency_seconds_bucket{le=5.0}": 0,
        "latency_seconds_bucket{le=+Inf}": 0,
        "latency_seconds_count{}": 0,
        "latency_seconds_sum{}": 0,
    }


def test_what_happens_is_counted(metrics: Metrics) -> None:
    before = series(metrics)
    metrics.add(PACKETS, 3, interface="file", kind="a")
    metrics.add(PACKETS, interface="file", kind="a")
    metrics.set(DOMAINS, 7)
    metrics.observe(LATENCY, 2)
    changed = {name: value for name, value in series(metrics).items() if before[name] != value}
    assert changed == {
        "packets_total{interface=file,kind=a}": 4,
        "domains{}": 7,
        "latency_seconds_bucket{le=5.0}": 1,
        "latency_seconds_bucket{le=+Inf}": 1,
        "latency_seconds_count{}": 1,
        "latency_seconds_sum{}": 2,
    }


def test_a_partition_s_series_comes_and_goes_with_the_partition(metrics: Metrics) -> None:
    metrics.set(LAG, 5, partition="1")
    assert series(metrics)["lag_records{partition=1}"] == 5
    assert "lag_records{partition=0}" not in series(metrics)
    metrics.forget(LAG, partition="1")
    metrics.forget(LAG, partition="0")
    assert not any(name.startswith("lag_records") for name in series(metrics))
    metrics.set(LAG, 6, partition="1")
    assert series(metrics)["lag_records{partition=1}"] == 6


@pytest.mark.parametrize(
    "labels",
    [
        {"interface": "evil.example", "kind": "a"},
        {"interface": "file", "kind": "x" * 10_000},
        {"interface": "file"},
        {"interface": "file", "kind": "a", "domain": "evil.example"},
        {},
    ],
)
def test_what_is_not_declared_is_an_error_and_makes_no_series(
    metrics: Metrics, labels: dict[str, str]
) -> None:
    before = series(metrics)
    with pytest.raises(ValueError, match="packets_total isn't declared with the labels") as refused:
        metrics.add(PACKETS, 1, **labels)
    assert len(str(refused.value)) < 200
    assert series(metrics) == before


def test_a_family_of_another_service_is_an_error(metrics: Metrics) -> None:
    with pytest.raises(ValueError, match="other_total isn't declared"):
        metrics.add(Counter("other_total", "Other."))


def test_random_domains_leave_the_number_of_series_unchanged() -> None:
    metrics = Metrics(geophone_detector.metrics.FAMILIES, VALUES)
    before = len(series(metrics))
    source = random.Random(1)  # noqa: S311 - not for secrets
    refused = 0
    for _ in range(100_000):
        domain = f"{source.getrandbits(64):x}.example"
        try:
            metrics.add(common.DEAD_LETTERS, 1, reason=domain)
        except ValueError:
            refused += 1
    assert refused == 100_000
    assert len(series(metrics)) == before


def test_a_label_without_values_is_an_error() -> None:
    with pytest.raises(ValueError, match="the label partition of lag_records has no values"):
        Metrics([LAG])


def test_the_version_is_told() -> None:
    metrics = Metrics(common.FAMILIES, VALUES)
    assert series(metrics)[f"geophone_build_info{{version={__version__}}}"] == 1


def test_the_process_is_measured(metrics: Metrics) -> None:
    assert b"process_resident_memory_bytes " in metrics.text()


def families_in(module: ModuleType) -> Iterator[Family]:
    for value in vars(module).values():
        if isinstance(value, Family):
            yield value


@pytest.mark.parametrize("module", [common, *SERVICES])
def test_every_family_that_a_module_declares_is_in_its_list(module: Any) -> None:
    inherited = () if module is common else common.FAMILIES
    assert [family for family in module.FAMILIES if family not in inherited] == list(
        families_in(module)
    )
    assert len(set(module.FAMILIES)) == len(module.FAMILIES)


@pytest.mark.parametrize("module", SERVICES)
def test_names_follow_the_conventions_of_prometheus(module: Any) -> None:
    for family in module.FAMILIES:
        assert family.name.startswith("geophone_")
        assert family.name.endswith("_total") == isinstance(family, Counter)
        assert family.help.endswith(".")
        for label in family.labels:
            assert label.name in {"version", *VALUES} or label.values


def test_all_services_in_one_process_share_what_they_have_in_common() -> None:
    everything = [family for module in SERVICES for family in module.FAMILIES]
    metrics = Metrics(everything, VALUES)
    metrics.set(common.HEARTBEAT_TIMESTAMP_SECONDS, 1, stage="alerter")
    names = series(metrics)
    assert names["geophone_pipeline_heartbeat_timestamp_seconds{stage=alerter}"] == 1
    assert len(names) < 300
    # Prometheus advises fewer than ten series a family, and to look into more than a hundred.
    assert (
        max(
            len([each for each in names if each.startswith(f"{family.name}{{")])
            for family in everything
        )
        < 50
    )
