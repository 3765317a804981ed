"""All settings together, and the order of their sources."""

import os
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.fields import FieldInfo
from pydantic.json_schema import GenerateJsonSchema
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from geophone_shared.settings.paths import nested, setting_fields
from geophone_shared.settings.sections import (
    AlerterSettings,
    CaptureSettings,
    DetectorSettings,
    KafkaSettings,
    LogSettings,
)
from geophone_shared.settings.sources import environment_values, file_values
from geophone_shared.settings.values import Seconds, Text, plain

CONFIG_FILE = "config_file"


class Settings(BaseSettings):
    """Everything that can be set.

    `Settings(...)` takes what flags say, and reads the environment and the file; `load_settings`
    turns what is wrong into sentences.
    """

    model_config = SettingsConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    config_file: Path | None = None
    """The file of `--config`, TOML. It can't name another one."""
    data_dir: Path = Path("geophone-data")
    """Where the embedded log and a generated hash key are kept."""
    bootstrap_servers: Text | None = None
    """Brokers of Kafka, HOST:PORT, separated by commas; one that answers is enough. Without them
    the log is the embedded one."""
    drain_seconds: Seconds = 25
    """How long a stop may take; what isn't finished then is left. Kubernetes kills after 30 s."""
    log: LogSettings = LogSettings()
    kafka: KafkaSettings = KafkaSettings()
    capture: CaptureSettings = CaptureSettings()
    detector: DetectorSettings = DetectorSettings()
    alerter: AlerterSettings = AlerterSettings()

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Flags, the environment, the file: the first that has a setting decides.

        The two sources that pydantic-settings has for the latter don't refuse a variable that is
        no setting's.
        """
        in_environment, in_file = given_beside_flags(init_settings())
        return (
            init_settings,
            InitSettingsSource(settings_cls, nested(in_environment)),
            InitSettingsSource(settings_cls, nested(in_file)),
        )


@cache
def all_settings() -> dict[str, FieldInfo]:
    """Every setting by its path."""
    return dict(setting_fields(Settings))


def given_beside_flags(flags: Mapping[str, Any]) -> tuple[dict[str, str], dict[str, Any]]:
    """What the environment and the configuration file say, by path.

    Args:
        flags: top-level settings that were given as flags: they may name the file.

    Raises:
        ConfigError: a name is no setting's, or the file can't be used.
    """
    in_environment = environment_values(os.environ, all_settings())
    file = flags.get(CONFIG_FILE) or in_environment.get(CONFIG_FILE)
    if file is None:
        return in_environment, {}
    return in_environment, file_values(Path(file), all_settings().keys() - {CONFIG_FILE})


class _FileSchema(GenerateJsonSchema):
    """A JSON schema whose defaults are written as in a file."""

    def encode_default(self, dft: Any) -> Any:
        return super().encode_default(dft) if isinstance(dft, BaseModel) else plain(dft)


def file_schema() -> dict[str, Any]:
    """The JSON schema of the configuration file."""
    schema = Settings.model_json_schema(schema_generator=_FileSchema)
    del schema["properties"][CONFIG_FILE]
    return schema
