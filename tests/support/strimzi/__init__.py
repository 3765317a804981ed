"""Definitions of Strimzi's custom resources, made of its own model."""

import subprocess
from pathlib import Path
from typing import Any

import yaml

from tests.support.maven_jars import require_jars

_MODELS = {
    "KafkaTopic": "io.strimzi.api.kafka.model.topic.KafkaTopic",
    "KafkaUser": "io.strimzi.api.kafka.model.user.KafkaUser",
}


def strimzi_schemas(folder: Path) -> dict[tuple[str, str], dict[str, Any]]:
    """JSON schemas by `apiVersion` and kind, for the versions that are served.

    Args:
        folder: for scratch files.

    Raises:
        JarsMissingError: no java, no mvn, or the jars can't be fetched.
    """
    jars = require_jars(Path(__file__).with_name("pom.xml"), "strimzi")
    files = {kind: folder / f"{kind}.yaml" for kind in _MODELS}
    subprocess.run(
        [
            *("java", "-XX:+UseSerialGC", "-XX:TieredStopAtLevel=1", "-cp", f"{jars / 'lib'}/*"),
            *("io.strimzi.crdgenerator.CrdGenerator", "--yaml"),
            *(f"{model}={files[kind]}" for kind, model in _MODELS.items()),
        ],
        check=True,
        capture_output=True,
    )
    schemas = {}
    for kind, file in files.items():
        definition = yaml.safe_load(file.read_text())["spec"]
        for version in definition["versions"]:
            if version["served"]:
                schema = version["schema"]["openAPIV3Schema"]
                name = f"{definition['group']}/{version['name']}"
                schemas[name, kind] = _strict(schema, is_metadata=False)
    return schemas


def _strict(schema: dict[str, Any], *, is_metadata: bool) -> dict[str, Any]:
    """The schema without leave for fields that it doesn't name: the API server would drop them."""
    strict = dict(schema)
    if "properties" in schema and not is_metadata:
        strict["properties"] = {
            name: _strict(each, is_metadata=name == "metadata")
            for name, each in schema["properties"].items()
        }
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            strict["additionalProperties"] = False
    if "items" in schema:
        strict["items"] = _strict(schema["items"], is_metadata=False)
    return strict
