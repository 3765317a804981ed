"""The Compose file is one, and says what Geophone's settings and services are."""

from typing import Any

import jsonschema
import pytest
import yaml

from geophone_shared import __version__
from geophone_shared.settings.settings import Settings
from tests.support.deployed_settings import deployed_settings
from tests.support.deployment import DEPLOY, compose, compose_schema

PROFILES = {
    "all-in-one": {"geophone", "mail"},
    "kafka": {
        *("capture", "detector", "alerter", "topics", "kafka"),
        *("prometheus", "alertmanager", "grafana", "mail"),
    },
}
_CAPTURING = {"capture", "geophone"}
_OPS = {"capture": 8054, "detector": 8055, "alerter": 8053, "geophone": 8053}
_UNWIND_SECONDS = 5

Service = dict[str, Any]


def _services() -> dict[str, Service]:
    services: dict[str, Service] = compose()["services"]
    return services


every_service = pytest.mark.parametrize("name", sorted(_services()))


def test_it_is_as_the_compose_specification_says() -> None:
    schema = compose_schema()
    # A `$schema` that ends otherwise is another draft's to the validator.
    validator = jsonschema.Draft7Validator(schema)
    assert list(validator.iter_errors(compose())) == []
    wrong = {"services": {"capture": {"imag": "geophone"}}}
    assert list(validator.iter_errors(wrong)) != []


@pytest.mark.parametrize("profile", PROFILES)
def test_profiles_are_whole(profile: str) -> None:
    services = {name for name, each in _services().items() if profile in each["profiles"]}
    assert services == PROFILES[profile]
    for name in services:
        for needed, how in _services()[name].get("depends_on", {}).items():
            assert needed in services
            has_health = not _services()[needed]["healthcheck"].get("disable")
            expected = "service_healthy" if has_health else "service_completed_successfully"
            assert how == {"condition": expected}


@every_service
def test_services_have_no_more_than_they_need(name: str) -> None:
    service = _services()[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["user"].partition(":")[0] not in {"", "0", "root"}
    assert service["deploy"]["resources"]["limits"].keys() == {"cpus", "memory"}
    assert "privileged" not in service
    assert service.get("cap_add", []) == (["NET_RAW"] if name in _CAPTURING else [])
    is_alone = name not in _CAPTURING
    assert service["security_opt"] == (["no-new-privileges:true"] if is_alone else [])
    assert service.get("network_mode") == (None if is_alone else "host")
    assert ("python-capture" in str(service.get("entrypoint"))) == (not is_alone)
    for port in service.get("ports", ()):
        assert port.startswith("127.0.0.1:")


@every_service
def test_images_are_of_one_version(name: str) -> None:
    service = _services()[name]
    image, _, tag = service["image"].rpartition(":")
    if "build" in service:
        assert (image, tag) == ("geophone", __version__)
        folder = DEPLOY / "compose" / service["build"]["context"]
        assert (folder / service["build"]["dockerfile"]).is_file()
    else:
        assert tag[tag.startswith("v") :].count(".") == 2


@every_service
def test_what_is_mounted_is_there(name: str) -> None:
    for volume in _services()[name].get("volumes", ()):
        source = volume.partition(":")[0]
        if source.startswith("."):
            folder = (DEPLOY / "compose" / source).resolve()
            assert volume.endswith(":ro")
            assert folder.exists()
        else:
            assert source in compose()["volumes"]


@pytest.mark.parametrize("name", [*_OPS, "topics"])
def test_the_environment_is_accepted(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    service = _services()[name]
    environment = {
        variable: value.replace("${INTERFACE:-eth0}", "eth0")
        for variable, value in service["environment"].items()
    }
    settings = deployed_settings(environment, monkeypatch)
    assert service["stop_grace_period"] == "40s"
    assert settings.drain_seconds + _UNWIND_SECONDS < 40
    assert service["command"][0] in {name, "run", "topics"}
    if name == "topics":
        return
    assert _address(name, settings).port == _OPS[name]
    assert service["healthcheck"]["test"] == ["CMD", "healthcheck", str(_OPS[name])]
    is_reached_by_others = not _address(name, settings).is_loopback
    assert is_reached_by_others == (name != "geophone")
    assert settings.alerter.email.host is None or settings.alerter.email.port == 1025
    if settings.alerter.api_token_file is not None:
        assert f"/run/secrets/{service['secrets'][0]}" == str(settings.alerter.api_token_file)


def _address(name: str, settings: Settings) -> Any:
    match name:
        case "capture":
            return settings.capture.ops
        case "detector":
            return settings.detector.ops
        case _:
            return settings.alerter.http


def test_prometheus_finds_the_services() -> None:
    folder = DEPLOY / "prometheus" / "targets"
    for name in ("capture", "detector", "alerter"):
        assert yaml.safe_load((folder / f"{name}.yml").read_text()) == [{"targets": [name]}]
    assert _services()["prometheus"]["extra_hosts"] == ["capture=host-gateway"]
