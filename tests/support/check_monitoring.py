"""Compares custom resources of the Prometheus operator with its models; says what is wrong.

Run by the Python of the tools for `deploy/`, with a JSON list of resources as standard input. The
models are cloudcoil's, made of the operator's own definitions.
"""

import json
import sys
from typing import Any

from cloudcoil.models.prometheus_operator import v1
from pydantic import ValidationError


def mistakes(document: dict[str, Any]) -> str | None:
    """What is wrong with a resource; None for nothing."""
    model = getattr(v1, document["kind"])
    try:
        understood = model.model_validate(document)
    except ValidationError as error:
        return str(error)
    # The models ignore what they don't know, so what they know has to be all.
    known = understood.model_dump(mode="json", by_alias=True, exclude_unset=True)
    return None if known == document else f"only {known} of {document} is known"


if __name__ == "__main__":
    for each in json.load(sys.stdin):
        mistake = mistakes(each)
        if mistake is not None:
            sys.stdout.write(f"{each['kind']} {each['metadata']['name']}: {mistake}\n")
