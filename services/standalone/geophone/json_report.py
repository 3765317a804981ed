"""The report as one JSON object: `geophone.replay/1`."""

import json
from collections.abc import Mapping
from typing import Any

from geophone.escaping import without_surrogates


def json_report(report: Mapping[str, Any]) -> str:
    """ASCII only, keys in the order in which the report was built, a newline at the end."""
    return json.dumps(without_surrogates(dict(report)), indent=2, allow_nan=False) + "\n"
