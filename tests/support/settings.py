"""The environment of a test that loads settings: nothing of the machine's own."""

import os
from collections.abc import Mapping

import pytest


def set_environment(monkeypatch: pytest.MonkeyPatch, variables: Mapping[str, str]) -> None:
    """Leave only these of the variables that Geophone looks at."""
    for name in list(os.environ):
        if name.startswith("GEOPHONE_"):
            monkeypatch.delenv(name)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
