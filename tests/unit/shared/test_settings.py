"""Settings: which source decides, which names there are, and what is said of wrong ones."""

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Protocol

import pytest

from geophone_detector.rules import SHIPPED_RULES
from geophone_shared.errors import ConfigError
from geophone_shared.listen_address import ListenAddress
from geophone_shared.settings.loading import Flag, load_settings, origins
from geophone_shared.settings.paths import environment_name, is_secret
from geophone_shared.settings.settings import Settings, all_settings, file_schema
from tests.support.settings import set_environment

SECRET = "hunter2"  # noqa: S105 - a made-up one


class Load(Protocol):
    def __call__(
        self, *flags: Flag, environment: Mapping[str, str] | None = None, file: str | None = None
    ) -> Settings: ...


class Refuse(Protocol):
    def __call__(
        self, *flags: Flag, environment: Mapping[str, str] | None = None, file: str | None = None
    ) -> str: ...


@pytest.fixture
def load(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Load:
    """Loads settings from these sources and no other."""
    monkeypatch.chdir(tmp_path)

    def load_from(
        *flags: Flag, environment: Mapping[str, str] | None = None, file: str | None = None
    ) -> Settings:
        set_environment(monkeypatch, environment or {})
        if file is not None:
            Path("geophone.toml").write_text(file, encoding="utf-8")
            flags = (*flags, Flag("--config", "config_file", Path("geophone.toml")))
        return load_settings(flags)

    return load_from


@pytest.fixture
def refuse(load: Load) -> Refuse:
    """What is said of sources that can't be used."""

    def refuse(*arguments: Any, **sources: Any) -> str:
        with pytest.raises(ConfigError) as refused:
            load(*arguments, **sources)
        return str(refused.value)

    return refuse


def test_without_any_source_the_contract_s_defaults_hold(load: Load) -> None:
    settings = load()
    assert settings.data_dir == Path("geophone-data")
    assert settings.bootstrap_servers is None
    assert settings.alerter.http == ListenAddress("127.0.0.1", 8053)
    assert settings.capture.ops == ListenAddress("127.0.0.1", 8054)
    assert settings.detector.ops == ListenAddress("127.0.0.1", 8055)
    assert settings.alerter.ops is None
    assert settings.alerter.email.starttls == "required"
    assert settings.capture.linger_seconds == 0.2
    assert settings.detector.exact_cap_names == 4_096
    assert settings.detector.memory_budget_bytes == 512 * 2**20
    assert settings.detector.sketch_budget_bytes == 64 * 2**20
    assert settings.detector.snapshot_rows == 5_000_000
    assert settings.detector.snapshot_interval_seconds == 600


def test_rules_thresholds_are_the_shipped_ones(load: Load) -> None:
    shipped = {rule.name: rule.threshold for rule in SHIPPED_RULES}
    assert load().detector.rule_thresholds.by_rule() == shipped


@pytest.mark.parametrize(
    ("sources", "rows", "origin"),
    [
        ("", 8_000, "default"),
        ("file", 10, "geophone.toml"),
        ("environment", 20, "GEOPHONE_CAPTURE_BATCH_ROWS"),
        ("flag", 30, "--batch-rows"),
        ("file environment", 20, "GEOPHONE_CAPTURE_BATCH_ROWS"),
        ("file flag", 30, "--batch-rows"),
        ("environment flag", 30, "--batch-rows"),
        ("file environment flag", 30, "--batch-rows"),
    ],
)
def test_flags_come_before_the_environment_and_that_before_the_file(
    load: Load, sources: str, rows: int, origin: str
) -> None:
    # Beside each there is a setting of the same section that only this source has.
    environment = {"GEOPHONE_CAPTURE_BATCH_ROWS": "20", "GEOPHONE_CAPTURE_SENSOR": "tap"}
    flag = Flag("--batch-rows", "capture.batch_rows", 30 if "flag" in sources else None)
    settings = load(
        flag,
        environment=environment if "environment" in sources else None,
        file="capture = {batch_rows = 10, queue_batches = 7}" if "file" in sources else None,
    )
    assert settings.capture.batch_rows == rows
    assert settings.capture.sensor == ("tap" if "environment" in sources else None)
    assert settings.capture.queue_batches == (7 if "file" in sources else 256)
    config = Flag("--config", "config_file", Path("geophone.toml") if "file" in sources else None)
    assert origins([flag, config])["capture.batch_rows"] == origin
    assert origins([flag, config])["capture.ports"] == "default"


def test_variables_have_the_contract_s_names(load: Load) -> None:
    settings = load(
        environment={
            "GEOPHONE_DATA_DIR": "/data",
            "GEOPHONE_BOOTSTRAP_SERVERS": "a:9092,b:9092",
            "GEOPHONE_CAPTURE_PORTS": "53, 5353",
            "GEOPHONE_CAPTURE_SHIFT_TO_NOW": "true",
            "GEOPHONE_DETECTOR_RULE_THRESHOLDS__UNIQUE_HOSTNAMES": "100",
            "GEOPHONE_ALERTER_HTTP": "[::1]:80",
            "GEOPHONE_ALERTER_API_TOKEN_FILE": "/run/token",
            "GEOPHONE_ALERTER_EMAIL__HOST": "mx.example.com",
            "GEOPHONE_ALERTER_EMAIL__PORT": "25",
            "GEOPHONE_ALERTER_EMAIL__FROM": "Geophone <geophone@example.com>",
            "GEOPHONE_ALERTER_EMAIL__TO": "soc@example.com, noc@example.com",
            "GEOPHONE_ALERTER_EMAIL__STARTTLS": "off",
            "GEOPHONE_ALERTER_EMAIL__USERNAME": "geophone",
            "GEOPHONE_ALERTER_EMAIL__PASSWORD_FILE": "/run/password",
        }
    )
    assert settings.data_dir == Path("/data")
    assert settings.bootstrap_servers == "a:9092,b:9092"
    assert settings.capture.ports == (53, 5353)
    assert settings.capture.shift_to_now is True
    assert settings.detector.rule_thresholds.unique_hostnames == 100
    assert settings.alerter.http == ListenAddress("::1", 80)
    assert settings.alerter.api_token_file == Path("/run/token")
    email = settings.alerter.email
    assert (email.host, email.port, email.starttls) == ("mx.example.com", 25, "off")
    assert email.sender == "Geophone <geophone@example.com>"
    assert email.recipients == ("soc@example.com", "noc@example.com")
    assert (email.username, email.password_file) == ("geophone", Path("/run/password"))


def test_every_secret_can_be_given_as_a_file() -> None:
    fields = all_settings()
    secrets = {path for path, field in fields.items() if is_secret(field)}
    assert secrets == {
        "kafka.sasl_plain_password",
        "detector.hash_key",
        "alerter.api_token",
        "alerter.email.password",
    }
    assert {f"{path}_file" for path in secrets} <= fields.keys()


def test_every_setting_says_what_it_does_and_has_a_variable_of_its_own() -> None:
    fields = all_settings()
    assert [path for path, field in fields.items() if not field.description] == []
    assert len({environment_name(path) for path in fields}) == len(fields)


@pytest.mark.parametrize(
    ("text", "speed"), [("max", math.inf), ("1", 1.0), ("0.5", 0.5), ("100", 100.0)]
)
def test_a_speed_is_a_factor_or_max(load: Load, text: str, speed: float) -> None:
    assert load(environment={"GEOPHONE_CAPTURE_SPEED": text}).capture.speed == speed
    assert load(Flag("--speed", "capture.speed", text)).capture.speed == speed
    assert load(file=f"capture.speed = '{text}'").capture.speed == speed


def test_the_environment_names_the_file_where_no_flag_does(load: Load) -> None:
    Path("other.toml").write_text("drain_seconds = 1", encoding="utf-8")
    environment = {"GEOPHONE_CONFIG_FILE": "other.toml"}
    assert load(environment=environment).drain_seconds == 1
    assert load(environment=environment, file="drain_seconds = 2").drain_seconds == 2


def test_an_empty_variable_sets_nothing(load: Load) -> None:
    settings = load(environment={"GEOPHONE_DATA_DIR": ""}, file="data_dir = 'here'")
    assert settings.data_dir == Path("here")


@pytest.mark.parametrize(
    ("variable", "text", "sentence"),
    [
        ("DETECTOR_EXACT_CAP_NAMES", "0", "= '0' (from {}): it has to be greater than or equal"),
        ("DETECTOR_EXACT_CAP_NAMES", "many", "= 'many' (from {}): write a whole number"),
        ("CAPTURE_SPEED", "-1", "= '-1' (from {}): write max, or how many times as fast"),
        ("CAPTURE_SPEED", "nan", "= 'nan' (from {}): write max, or how many times as fast"),
        ("CAPTURE_PORTS", "53,70000", "= '70000' (from {}): it has to be less than or equal to"),
        ("CAPTURE_PORTS", ",", "(from {}): give at least one"),
        ("CAPTURE_LINGER_SECONDS", "inf", "(from {}): it has to be a finite number"),
        ("CAPTURE_EXIT_AT_END", "perhaps", "= 'perhaps' (from {}): write true or false"),
        ("CAPTURE_SENSOR", "a\x1b[2Jb", r"= 'a\x1b[2Jb' (from {}): it must not hold control"),
        ("LOG_FORMAT", "xml", "= 'xml' (from {}): it has to be 'auto', 'text' or 'json'"),
        ("ALERTER_HTTP", "8053", "= '8053' (from {}): write ADDRESS:PORT, such as"),
        ("ALERTER_EMAIL__HOST", "mx", "alerter.email (from {}): mail needs from and to"),
        ("KAFKA_SECURITY_PROTOCOL", "SASL_SSL", "kafka (from {}): SASL_SSL needs sasl_plain_user"),
        ("KAFKA_SSL_KEYFILE", "key.pem", "kafka (from {}): ssl_keyfile has no certificate"),
    ],
)
def test_a_wrong_value_is_named_with_its_origin_and_what_to_write(
    refuse: Refuse, variable: str, text: str, sentence: str
) -> None:
    name = f"GEOPHONE_{variable}"
    message = refuse(environment={name: text})
    assert sentence.format(name) in message
    assert "\n" not in message


def test_every_wrong_value_is_named(refuse: Refuse) -> None:
    message = refuse(
        Flag("--speed", "capture.speed", "0"), file="capture.batch_rows = 'x'\nlog.level = 'loud'"
    )
    assert "capture.speed = '0' (from --speed): " in message
    assert "capture.batch_rows = 'x' (from geophone.toml): write a whole number" in message
    assert "log.level = 'loud' (from geophone.toml): it has to be 'debug', 'info'," in message


@pytest.mark.parametrize(
    ("file", "sentence"),
    [
        ("cap = 1", "'geophone.toml' has 'cap', which is no setting: did you mean capture?"),
        ("detector.exact_cap = 1", "'detector.exact_cap', which is no setting: did you mean "),
        ("[detektor]", "'detektor', which is no setting: did you mean detector?"),
        ("hash_key = 'x'", "'hash_key', which is no setting: did you mean detector.hash_key?"),
        ("alerter.email = 'x'", "'alerter.email', which is no setting: did you mean alerter."),
        ("config_file = 'x'", "'config_file', which is no setting"),
        ("'a\\nb' = 1", "'a\\\\nb', which is no setting; remove it"),
        ("drain_seconds =", "'geophone.toml' isn't TOML; correct it ("),
        ("x = " + "[" * 5_000, "'geophone.toml' isn't TOML; correct it ("),
    ],
)
def test_a_file_that_is_wrong_is_refused_with_what_was_meant(
    refuse: Refuse, file: str, sentence: str
) -> None:
    message = refuse(file=file)
    assert sentence in message
    assert "\n" not in message


@pytest.mark.parametrize(
    ("variable", "meant"),
    [
        ("GEOPHONE_DETECTOR_EXACT_CAP", ": did you mean GEOPHONE_DETECTOR_EXACT_CAP_NAMES?"),
        ("GEOPHONE_ALERTER_EMAIL_HOST", ": did you mean GEOPHONE_ALERTER_EMAIL__HOST?"),
        ("GEOPHONE_XYZZY", "; unset it"),
        ("GEOPHONE_\nXYZZY", "; unset it"),
    ],
)
def test_a_variable_that_is_no_setting_s_is_refused(
    refuse: Refuse, variable: str, meant: str
) -> None:
    message = refuse(environment={variable: SECRET})
    assert f"the environment variable {variable!a} is no setting{meant}" in message
    assert SECRET not in message


def test_what_kubernetes_puts_into_the_environment_is_no_mistake(
    load: Load, refuse: Refuse
) -> None:
    # Of a service that is called geophone-alerter, in every pod beside it.
    links = {
        "GEOPHONE_ALERTER_SERVICE_HOST": "10.0.0.1",
        "GEOPHONE_ALERTER_SERVICE_PORT": "8053",
        "GEOPHONE_ALERTER_SERVICE_PORT_HTTP": "8053",
        "GEOPHONE_ALERTER_PORT": "tcp://10.0.0.1:8053",
        "GEOPHONE_ALERTER_PORT_8053_TCP": "tcp://10.0.0.1:8053",
        "GEOPHONE_ALERTER_PORT_8053_TCP_ADDR": "10.0.0.1",
    }
    assert load(environment=links) == load()
    assert "GEOPHONE_ALERTER_PORT" in refuse(environment={"GEOPHONE_ALERTER_PORT": "8053"})


def test_what_the_tests_set_for_themselves_is_no_mistake(load: Load) -> None:
    assert load(environment={"GEOPHONE_CAPTURES": "x", "GEOPHONE_REQUIRE_ALL": "1"}) == load()


@pytest.mark.parametrize("content", [None, b"\xff"])
def test_a_file_that_can_t_be_read_is_a_sentence(
    refuse: Refuse, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "geophone.toml"
    if content is not None:
        file.write_bytes(content)
    message = refuse(Flag("--config", "config_file", file))
    assert str(file) in message


SECRETS_IN_THE_WAY = [
    {"GEOPHONE_ALERTER_API_TOKEN": SECRET, "GEOPHONE_ALERTER_API_TOKEN_FILE": "/run/token"},
    {"GEOPHONE_KAFKA_SECURITY_PROTOCOL": "SASL_SSL", "GEOPHONE_KAFKA_SASL_PLAIN_PASSWORD": SECRET},
    {"GEOPHONE_ALERTER_EMAIL__HOST": "mx", "GEOPHONE_ALERTER_EMAIL__PASSWORD": SECRET},
    {"GEOPHONE_DETECTOR_HASH_KEY": SECRET, "GEOPHONE_DETECTOR_SNAPSHOT_ROWS": "0"},
]


@pytest.mark.parametrize("environment", SECRETS_IN_THE_WAY)
def test_no_message_shows_a_secret(refuse: Refuse, environment: dict[str, str]) -> None:
    assert SECRET not in refuse(environment=environment)


def test_a_secret_of_the_wrong_type_isn_t_shown_either(refuse: Refuse) -> None:
    message = refuse(file="alerter.api_token = 20771230")
    assert "alerter.api_token (from geophone.toml): " in message
    assert "20771230" not in message


def test_settings_printed_show_no_secret(load: Load) -> None:
    settings = load(environment={"GEOPHONE_ALERTER_API_TOKEN": SECRET})
    assert SECRET not in f"{settings} {settings!r} {settings.model_dump_json()}"


def test_the_schema_describes_the_file() -> None:
    schema = file_schema()
    assert schema["additionalProperties"] is False
    assert "config_file" not in schema["properties"]
    capture = schema["$defs"]["CaptureSettings"]["properties"]
    assert capture["ops"]["default"] == "127.0.0.1:8054"
    assert capture["speed"]["default"] == "max"
    email = schema["$defs"]["EmailSettings"]["properties"]
    assert {"from", "to"} <= email.keys()
    assert json.dumps(schema, allow_nan=False)
