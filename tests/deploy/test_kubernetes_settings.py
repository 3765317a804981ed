"""The manifests say what Geophone's own settings, topics and services are."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from geophone_shared import __version__
from geophone_shared.bus.topics import KAFKA_PARTITIONS, Topic, declared_topics, differences
from geophone_shared.settings.settings import Settings
from tests.support.deployed_settings import deployed_settings
from tests.support.deployment import (
    DEPLOY,
    OVERLAYS,
    config_files,
    named,
    of_kind,
    rendered,
    workloads,
)

_FRAME_BYTES = 4096
"""That a record's limit on Kafka is above Geophone's (`geophone_shared.bus.kafka`)."""
_UNWIND_SECONDS = 5
"""What a process has after its drain (`geophone_shared.runtime`)."""


def _services(overlay: str) -> dict[str, tuple[dict[str, Any], str]]:
    files = dict(config_files(rendered(overlay)))
    return {
        name: (pod["spec"], files[name])
        for name, pod in workloads(rendered(overlay))
        if name in files
    }


def _settings(
    spec: dict[str, Any], file: str, tmp_path: Path, patch: pytest.MonkeyPatch
) -> Settings:
    """What a pod's process would start with."""
    config = tmp_path / "geophone.toml"
    config.write_text(file)
    fields = {"metadata.name": "geophone-0", "spec.nodeName": "node-1", "status.hostIP": "10.0.0.1"}
    environment: dict[str, str] = {}
    for variable in spec["containers"][0].get("env", ()):
        source = variable.get("valueFrom")
        value = variable["value"] if source is None else fields[source["fieldRef"]["fieldPath"]]
        for name, known in environment.items():
            value = value.replace(f"$({name})", known)
        environment[variable["name"]] = value
    return deployed_settings(environment | {"GEOPHONE_CONFIG_FILE": str(config)}, patch)


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_settings_are_accepted(
    overlay: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    services = _services(overlay)
    assert len(services) == (1 if overlay == "single-node" else 3)
    for name, (spec, file) in services.items():
        settings = _settings(spec, file, tmp_path, monkeypatch)
        container = spec["containers"][0]
        service = name.removeprefix("geophone-")
        match service:
            case "capture":
                served = settings.capture.ops
                assert served.host == "10.0.0.1"
                assert settings.capture.sensor == "node-1"
            case "detector":
                served = settings.detector.ops
                assert settings.detector.member == "geophone-0"
            case _:
                served = settings.alerter.ops or settings.alerter.http
        assert served.is_loopback == (overlay == "single-node")
        assert container["ports"][0]["containerPort"] == served.port
        assert container["args"] == [
            "run" if overlay == "single-node" else service,
            *("--config", "/etc/geophone/geophone.toml"),
        ]
        paths = {mount["mountPath"] for mount in container["volumeMounts"]}
        assert "/etc/geophone" in paths
        stop_seconds = settings.drain_seconds + _UNWIND_SECONDS
        pre_stop = container.get("lifecycle", {}).get("preStop", {"sleep": {"seconds": 0}})
        stop_seconds += pre_stop["sleep"]["seconds"]
        assert spec["terminationGracePeriodSeconds"] > stop_seconds
        budget_bytes = settings.detector.memory_budget_bytes + settings.detector.sketch_budget_bytes
        if service not in {"capture", "alerter"}:
            assert _bytes(container["resources"]["limits"]["memory"]) > 2 * budget_bytes


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_secrets_that_the_settings_name_are_mounted(
    overlay: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for spec, file in _services(overlay).values():
        settings = _settings(spec, file, tmp_path, monkeypatch)
        sources = [volume["projected"] for volume in spec["volumes"] if "projected" in volume]
        mounted = {
            f"/run/secrets/geophone/{item['path']}"
            for source in sources[0]["sources"]
            for item in source["secret"]["items"]
        }
        named_files = {
            settings.kafka.sasl_plain_password_file,
            settings.kafka.ssl_cafile,
            settings.detector.hash_key_file,
            settings.alerter.api_token_file,
            settings.alerter.email.password_file,
        } - {None}
        assert {str(each) for each in named_files} <= mounted
        if overlay == "dev":
            assert not named_files


def test_strimzi_makes_the_topics_that_geophone_makes() -> None:
    found = {}
    for each in of_kind(rendered("prod"), "KafkaTopic"):
        config = each["spec"]["config"]
        assert each["spec"]["replicas"] > config["min.insync.replicas"]
        assert config["cleanup.policy"] == "delete"
        found[each["metadata"]["name"]] = Topic(
            name=each["metadata"]["name"],
            partitions=each["spec"]["partitions"],
            retention_seconds=config["retention.ms"] // 1000,
            record_limit_bytes=config["max.message.bytes"] - _FRAME_BYTES,
            is_dated_by_log=config["message.timestamp.type"] == "LogAppendTime",
        )
    declared = declared_topics(KAFKA_PARTITIONS)
    assert differences(declared, found) == []
    assert sorted(found) == sorted(topic.name for topic in declared)


def test_no_more_detectors_than_partitions() -> None:
    replicas = named(rendered("prod"), "StatefulSet", "geophone-detector")["spec"]["replicas"]
    assert 1 < replicas <= KAFKA_PARTITIONS


def test_the_rules_are_those_of_prometheus_itself() -> None:
    rules = of_kind(rendered("prod"), "PrometheusRule")
    files = sorted((DEPLOY / "prometheus" / "rules").glob("*.yml"))
    groups = [group for file in files for group in yaml.safe_load(file.read_text())["groups"]]
    assert [group for rule in rules for group in rule["spec"]["groups"]] == groups


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_images_have_the_version_of_the_code(overlay: str) -> None:
    for name, pod in workloads(rendered(overlay)):
        image, _, tag = pod["spec"]["containers"][0]["image"].rpartition(":")
        if name.startswith("geophone"):
            assert image.endswith("geophone")
            assert tag == __version__
        assert tag not in {"", "latest"}


def _bytes(quantity: str) -> int:
    unit = {"Mi": 2**20, "Gi": 2**30}[quantity[-2:]]
    return int(quantity[:-2]) * unit
