"""What `deploy/` holds, as the tools of those who apply it see it, and these tools."""

import json
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import yaml

from tests.support import outside
from tests.support.outside import PROJECT

DEPLOY = PROJECT / "deploy"
KUBERNETES = DEPLOY / "kubernetes"
OVERLAYS = ("dev", "prod", "single-node")
CUSTOM_GROUPS = ("kafka.strimzi.io", "monitoring.coreos.com")
"""Of resources that aren't Kubernetes' own."""

Document = dict[str, Any]
"""A resource of Kubernetes."""

_WORKLOADS = ("DaemonSet", "Deployment", "Job", "StatefulSet")


def deploy_tool(name: str) -> Path:
    """A file of the environment that `make deploy-check` installs, or `report_missing`."""
    environments = (Path(f"{sys.prefix}-deploy"), PROJECT / ".venv-deploy")
    found = next((each / name for each in environments if (each / name).exists()), None)
    if found is None:
        outside.report_missing(f"{name} of the tools for deploy/ is missing: `make deploy-check`")
    return found


@cache
def rendered(overlay: str) -> tuple[Document, ...]:
    """What `kubectl apply -k` would send for an overlay."""
    kubectl = shutil.which("kubectl") or str(deploy_tool("bin/kubectl"))
    done = subprocess.run(
        [kubectl, "kustomize", str(KUBERNETES / "overlays" / overlay)],
        check=False,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "", "kustomize warns of something that is going away"
    return tuple(yaml.safe_load_all(done.stdout))


def is_custom(document: Document) -> bool:
    """Whether a resource is a custom one."""
    return str(document["apiVersion"]).startswith(CUSTOM_GROUPS)


def named(documents: tuple[Document, ...], kind: str, name: str) -> Document:
    """The one resource of that kind and name."""
    (found,) = (each for each in of_kind(documents, kind) if each["metadata"]["name"] == name)
    return found


def of_kind(documents: tuple[Document, ...], kind: str) -> list[Document]:
    """All resources of a kind."""
    return [each for each in documents if each["kind"] == kind]


def workloads(documents: tuple[Document, ...]) -> Iterator[tuple[str, Document]]:
    """Everything that makes pods: its name, and the template of the pods."""
    for each in documents:
        if each["kind"] in _WORKLOADS:
            yield each["metadata"]["name"], each["spec"]["template"]


def config_files(documents: tuple[Document, ...]) -> Iterator[tuple[str, str]]:
    """The settings files in config maps: the map's name without its digest, and the file."""
    for each in of_kind(documents, "ConfigMap"):
        yield each["metadata"]["name"].rpartition("-")[0], each["data"]["geophone.toml"]


@cache
def compose() -> Document:
    """The Compose file, with its anchors resolved."""
    found: Document = yaml.safe_load((DEPLOY / "compose" / "compose.yaml").read_text())
    return found


@cache
def compose_schema() -> Document:
    """The schema of Compose files, of the Compose specification."""
    found: Document = json.loads(deploy_tool("compose.schema.json").read_text())
    return found
