"""Settings as a container would have them."""

import os
from collections.abc import Mapping

import pytest

from geophone_shared.settings.loading import load_settings
from geophone_shared.settings.settings import Settings


def deployed_settings(environment: Mapping[str, str], patch: pytest.MonkeyPatch) -> Settings:
    """The settings that hold with this environment and no other.

    Raises:
        ConfigError: they aren't right.
    """
    with patch.context() as changed:
        for name in _own():
            changed.delenv(name)
        for name, value in environment.items():
            changed.setenv(name, value)
        return load_settings()


def _own() -> list[str]:
    return [name for name in os.environ if name.startswith("GEOPHONE_")]
