"""What must hold of every pod and every rule, whoever writes the next overlay."""

from typing import Any

import pytest

from tests.support.deployment import (
    OVERLAYS,
    Document,
    named,
    of_kind,
    rendered,
    workloads,
)

_CAPTURING = {"geophone-capture", "geophone"}
"""Workloads that read packets: the only ones with more than nothing."""
_SERVICES = {"geophone-capture", "geophone-detector", "geophone-alerter", "geophone"}

PODS = [(overlay, name, pod) for overlay in OVERLAYS for name, pod in workloads(rendered(overlay))]
_IDS = [f"{overlay}: {name}" for overlay, name, _ in PODS]
every_pod = pytest.mark.parametrize(("name", "pod"), [each[1:] for each in PODS], ids=_IDS)
every_overlay = pytest.mark.parametrize("overlay", OVERLAYS)


def _container(pod: Document) -> dict[str, Any]:
    spec = pod["spec"]
    assert "initContainers" not in spec
    (container,) = spec["containers"]
    found: dict[str, Any] = container
    return found


@every_pod
def test_pods_have_no_more_rights_than_they_need(name: str, pod: Document) -> None:
    spec = pod["spec"]
    of_all = spec["securityContext"]
    assert of_all["runAsNonRoot"] is True
    assert min(of_all["runAsUser"], of_all["runAsGroup"]) >= 1000
    assert of_all["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert "hostPID" not in spec
    assert "hostIPC" not in spec
    assert not any("hostPath" in volume for volume in spec.get("volumes", ()))
    own = _container(pod)["securityContext"]
    assert own["allowPrivilegeEscalation"] is False
    assert own["readOnlyRootFilesystem"] is True
    assert own["capabilities"]["drop"] == ["ALL"]
    assert "privileged" not in own
    assert own["capabilities"].get("add", []) == (["NET_RAW"] if name in _CAPTURING else [])
    assert spec.get("hostNetwork", False) == (name in _CAPTURING)


@every_pod
def test_only_what_captures_has_the_interpreter_that_may(name: str, pod: Document) -> None:
    command = _container(pod).get("command")
    expected = ["/opt/geophone/bin/python-capture", "-m", "geophone"]
    assert command == (expected if name in _CAPTURING else None)


@every_pod
def test_pods_are_limited(name: str, pod: Document) -> None:
    resources = _container(pod)["resources"]
    assert set(resources["limits"]) == set(resources["requests"]) == {"cpu", "memory"}
    assert resources["limits"]["memory"] == resources["requests"]["memory"], name
    for volume in pod["spec"].get("volumes", ()):
        if "emptyDir" in volume:
            assert "sizeLimit" in volume["emptyDir"], volume["name"]


@every_pod
def test_services_are_probed_on_a_port_that_they_have(name: str, pod: Document) -> None:
    container = _container(pod)
    if pod["spec"].get("restartPolicy") == "OnFailure":  # a job, which ends by itself
        return
    ports = {port["name"] for port in container["ports"]}
    for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
        action = container[probe].get("httpGet") or container[probe]["tcpSocket"]
        assert action["port"] in ports
        if name in _SERVICES:
            path = {"startupProbe": "/startupz", "livenessProbe": "/livez"}.get(probe, "/readyz")
            assert action["path"] == path


@every_pod
def test_what_is_mounted_is_there_and_secrets_are_files(name: str, pod: Document) -> None:
    container = _container(pod)
    volumes = {volume["name"]: volume for volume in pod["spec"].get("volumes", ())}
    mounted = {mount["name"] for mount in container.get("volumeMounts", ())}
    assert mounted - volumes.keys() <= {"data"}  # of a claim template
    assert volumes.keys() <= mounted
    for mount in container.get("volumeMounts", ()):
        if volumes.get(mount["name"], {}).keys() & {"configMap", "projected"}:
            assert mount["readOnly"] is True
    assert "envFrom" not in container
    for variable in container.get("env", ()):
        assert "secretKeyRef" not in variable.get("valueFrom", {}), variable["name"]
    if name in _SERVICES:
        assert "/var/cache/geophone" in {mount["mountPath"] for mount in container["volumeMounts"]}


@every_overlay
def test_selectors_find_their_pods(overlay: str) -> None:
    documents = rendered(overlay)
    pods = [(name, pod["metadata"]["labels"]) for name, pod in workloads(documents)]
    for each in documents:
        match each["kind"]:
            case "Service":
                selector = each["spec"]["selector"]
            case "DaemonSet" | "Deployment" | "PodDisruptionBudget" | "PodMonitor" | "StatefulSet":
                selector = each["spec"]["selector"]["matchLabels"]
            case "NetworkPolicy":
                selector = each["spec"]["podSelector"].get("matchLabels", {})
            case _:
                continue
        found = [name for name, labels in pods if selector.items() <= labels.items()]
        assert found == [each["metadata"]["name"]] or not selector, each["metadata"]["name"]


@every_overlay
def test_ports_are_those_of_the_pods(overlay: str) -> None:
    documents = rendered(overlay)
    ports = {
        name: {port["name"]: port["containerPort"] for port in _container(pod).get("ports", ())}
        for name, pod in workloads(documents)
    }
    for service in of_kind(documents, "Service"):
        (port,) = service["spec"]["ports"]
        assert ports[service["metadata"]["name"]][port["targetPort"]] == port["port"]
    for monitor in of_kind(documents, "PodMonitor"):
        (endpoint,) = monitor["spec"]["podMetricsEndpoints"]
        assert endpoint["port"] in ports[monitor["metadata"]["name"]]
        assert endpoint["path"] == "/metrics"
    for policy in of_kind(documents, "NetworkPolicy"):
        for rule in policy["spec"].get("ingress", ()):
            for port in rule["ports"]:
                assert port["port"] in ports[policy["metadata"]["name"]]


@pytest.mark.parametrize("overlay", ["dev", "prod"])
def test_nothing_is_reached_that_is_not_named(overlay: str) -> None:
    policies = of_kind(rendered(overlay), "NetworkPolicy")
    denied = {
        each["metadata"]["namespace"]
        for each in policies
        if each["spec"] == {"podSelector": {}, "policyTypes": ["Ingress", "Egress"]}
    }
    assert denied == {each["metadata"]["name"] for each in of_kind(rendered(overlay), "Namespace")}
    for each in policies:
        for rule in [*each["spec"].get("ingress", ()), *each["spec"].get("egress", ())]:
            assert rule["ports"], each["metadata"]["name"]


@pytest.mark.parametrize("overlay", ["dev", "prod"])
def test_a_node_can_be_drained_and_not_all_at_once(overlay: str) -> None:
    documents = rendered(overlay)
    for name in ("geophone-detector", "geophone-alerter"):
        budget = named(documents, "PodDisruptionBudget", name)["spec"]
        kind = "StatefulSet" if name == "geophone-detector" else "Deployment"
        replicas = named(documents, kind, name)["spec"]["replicas"]
        assert budget.get("maxUnavailable") == 1 or budget.get("minAvailable") == replicas - 1


def test_only_the_namespace_of_capture_allows_more_than_restricted() -> None:
    for overlay in OVERLAYS:
        for each in of_kind(rendered(overlay), "Namespace"):
            level = each["metadata"]["labels"]["pod-security.kubernetes.io/enforce"]
            is_captures = each["metadata"]["name"] == "geophone-capture"
            assert level == ("privileged" if is_captures else "restricted")
        for each in rendered(overlay):
            name, labels = each["metadata"]["name"], each["metadata"]
            if name in _CAPTURING and each["kind"] in {"DaemonSet", "StatefulSet"}:
                assert labels["namespace"] == "geophone-capture"
