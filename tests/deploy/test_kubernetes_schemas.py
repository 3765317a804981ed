"""What the overlays send is what Kubernetes and the operators take."""

import json
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from tests.support import outside
from tests.support.deployment import OVERLAYS, deploy_tool, is_custom, rendered
from tests.support.maven_jars import JarsMissingError
from tests.support.outside import PROJECT
from tests.support.strimzi import strimzi_schemas

VERSIONS = ("1.35", "1.36", "1.37")


@pytest.mark.parametrize("version", VERSIONS)
def test_kubernetes_takes_every_resource(version: str, tmp_path: Path) -> None:
    own = [each for overlay in OVERLAYS for each in rendered(overlay) if not is_custom(each)]
    file = tmp_path / "resources.yaml"
    file.write_text(yaml.safe_dump_all(own))
    done = subprocess.run(
        [
            deploy_tool("bin/kubernetes-validate"),
            *("--strict", "--kubernetes-version", version, str(file)),
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert (done.stdout + done.stderr).count(" passed ") == len(own)


def test_strimzi_takes_topics_and_users(tmp_path: Path) -> None:
    try:
        schemas = strimzi_schemas(tmp_path)
    except JarsMissingError as error:
        outside.report_missing(str(error))
    documents = [each for each in rendered("prod") if "strimzi" in each["apiVersion"]]
    assert {each["kind"] for each in documents} == {"KafkaTopic", "KafkaUser"}
    for each in documents:
        jsonschema.validate(each, schemas[each["apiVersion"], each["kind"]])
    misspelled = documents[0] | {"spec": {"partition": 12}}
    with pytest.raises(jsonschema.ValidationError, match="partition"):
        jsonschema.validate(misspelled, schemas[misspelled["apiVersion"], misspelled["kind"]])


def test_the_prometheus_operator_takes_its_resources() -> None:
    documents = [each for each in rendered("prod") if "monitoring" in each["apiVersion"]]
    assert "PodMonitor" in {each["kind"] for each in documents}
    assert _monitoring_mistakes(documents) == ""
    unknown = json.loads(json.dumps(documents[0]))
    unknown["spec"]["podMetricEndpoints"] = []
    assert "podMetricEndpoints" in _monitoring_mistakes([unknown])


def _monitoring_mistakes(documents: list[dict[str, object]]) -> str:
    return subprocess.run(
        [deploy_tool("bin/python"), PROJECT / "tests" / "support" / "check_monitoring.py"],
        check=True,
        capture_output=True,
        input=json.dumps(documents),
        text=True,
    ).stdout
