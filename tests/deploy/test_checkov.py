"""Checkov finds nothing in the overlays but what is meant, each for a reason."""

import json
import os
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.support.deployment import OVERLAYS, deploy_tool, is_custom, rendered

_CAPTURES = {"DaemonSet.geophone-capture.geophone-capture", "StatefulSet.geophone-capture.geophone"}
MEANT = {
    # The tag of a release never moves, and a node that can't reach the registry starts pods again.
    "CKV_K8S_15": None,
    # The digest is known to whoever pushes the image: `images` of the overlay takes it.
    "CKV_K8S_43": None,
    # Packets of an interface of the node can be had in the node's network alone.
    "CKV_K8S_19": _CAPTURES,
    # NET_RAW, which opens the socket and is given up before the first packet.
    "CKV_K8S_25": _CAPTURES,
    # The user in Apache's image, in the overlay for trying.
    "CKV_K8S_40": {"StatefulSet.geophone.kafka"},
    # A pod in its node's network, to which network policies don't apply.
    "CKV2_K8S_6": {"Pod.geophone-capture.geophone.app.kubernetes.io/name-geophone"},
}
"""Checks that may fail, and where; None is everywhere."""


@pytest.fixture(scope="session")
def failures(tmp_path_factory: pytest.TempPathFactory) -> dict[str, set[tuple[str, str]]]:
    """What checkov has against each overlay: check and resource."""
    folder = tmp_path_factory.mktemp("checkov")
    return {overlay: _failures(overlay, folder) for overlay in OVERLAYS}


def _failures(overlay: str, folder: Path) -> set[tuple[str, str]]:
    own = [each for each in rendered(overlay) if not is_custom(each)]
    file = folder / f"{overlay}.yaml"
    file.write_text(yaml.safe_dump_all(own))
    done = subprocess.run(
        [
            *(deploy_tool("bin/checkov"), "--framework", "kubernetes", "--skip-download"),
            *("--compact", "--quiet", "--output", "json", "--file", str(file)),
        ],
        check=False,
        capture_output=True,
        text=True,
        # It asks nobody: neither for policies nor whether there is a newer one.
        env=os.environ | {"CKV_SKIP_PACKAGE_UPDATE_CHECK": "true", "HOME": str(folder)},
    )
    assert done.stdout, done.stderr
    report = json.loads(done.stdout)
    assert report["summary"]["passed"] > 50
    return {
        (each["check_id"], each["resource"]) for each in report["results"].get("failed_checks", ())
    }


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_checkov_finds_only_what_is_meant(
    overlay: str, failures: dict[str, set[tuple[str, str]]]
) -> None:
    assert [
        (check, resource)
        for check, resource in sorted(failures[overlay])
        if check not in MEANT or resource not in (MEANT[check] or {resource})
    ] == []


def test_everything_that_is_meant_is_found(failures: dict[str, set[tuple[str, str]]]) -> None:
    found = set().union(*failures.values())
    assert {check for check, _ in found} == MEANT.keys()
    for check, resources in MEANT.items():
        for resource in resources or ():
            assert (check, resource) in found
