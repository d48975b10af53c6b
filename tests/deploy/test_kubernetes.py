"""``deploy/kubernetes``: what the manifests promise, and that what they name is there.

Where they are installed, kubectl renders the manifests and Kubernetes' own schemas judge them.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from perse.settings import Settings
from tests.conftest import REPOSITORY
from tests.served import serving

FOLDER = REPOSITORY / "deploy" / "kubernetes"
FILES = sorted(FOLDER.rglob("*.yaml"))
PODS = ("deployment.yaml", "migration/job.yaml")
needs_kubectl = pytest.mark.skipif(shutil.which("kubectl") is None, reason="there is no kubectl")
needs_schemas = pytest.mark.skipif(
    importlib.util.find_spec("kubernetes_validate") is None, reason="no schemas of Kubernetes here"
)


def documents(file: Path) -> list[dict[str, Any]]:
    return [document for document in yaml.safe_load_all(file.read_text()) if document]


def manifest(name: str) -> dict[str, Any]:
    """The last of a file."""
    return documents(FOLDER / name)[-1]


def pod(name: str) -> dict[str, Any]:
    found: dict[str, Any] = manifest(name)["spec"]["template"]
    return found


@pytest.mark.parametrize("name", PODS)
def test_a_pod_meets_the_restricted_standard_on_a_root_that_is_read_only(name: str) -> None:
    spec = pod(name)["spec"]
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    (container,) = spec["containers"]
    assert container["securityContext"] == {
        "readOnlyRootFilesystem": True,
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
    }


@pytest.mark.parametrize("name", PODS)
def test_a_pod_runs_as_the_user_of_the_image_and_reads_its_secrets_from_files(name: str) -> None:
    spec = pod(name)["spec"]
    assert "USER 10001:10001" in (REPOSITORY / "deploy/Containerfile").read_text()
    assert spec["securityContext"]["runAsUser"] == 10001
    mounts = {it["name"]: it["mountPath"] for it in spec["containers"][0]["volumeMounts"]}
    assert mounts["secrets"] == manifest("settings.yaml")["data"]["PERSE_SECRETS_DIR"]
    assert mounts["data"] == "/var/lib/perse"
    assert not re.search(r"secretKeyRef|secretRef", (FOLDER / name).read_text())


def test_every_setting_is_one() -> None:
    known = {f"PERSE_{name.upper()}" for name in Settings.model_fields}
    named = set(manifest("settings.yaml")["data"])
    named |= set(re.findall(r"PERSE_[A-Z_]+", (REPOSITORY / "deploy/compose.yaml").read_text()))
    named |= set(re.findall(r"PERSE_[A-Z_]+", (REPOSITORY / "deploy/perse.service").read_text()))
    assert named - known == set()


def test_everything_finds_the_pods() -> None:
    labels = pod("deployment.yaml")["metadata"]["labels"].items()
    selectors = (
        manifest("deployment.yaml")["spec"]["selector"]["matchLabels"],
        manifest("service.yaml")["spec"]["selector"],
        manifest("disruption.yaml")["spec"]["selector"]["matchLabels"],
        manifest("network.yaml")["spec"]["podSelector"]["matchLabels"],
    )
    assert all(selector.items() <= labels for selector in selectors)
    assert manifest("autoscaler.yaml")["spec"]["scaleTargetRef"]["name"] == "perse"
    (port,) = manifest("service.yaml")["spec"]["ports"]
    (listening,) = pod("deployment.yaml")["spec"]["containers"][0]["ports"]
    assert (port["targetPort"], listening["containerPort"]) == (listening["name"], 8080)
    assert manifest("service.yaml")["metadata"]["labels"] == {"app.kubernetes.io/name": "perse"}


@pytest.mark.parametrize("folder", ["", "migration", "monitoring"])
def test_every_file_is_a_resource_of_its_folder(folder: str) -> None:
    place = FOLDER / folder
    named = manifest(f"{folder}/kustomization.yaml".lstrip("/"))["resources"]
    assert set(named) == {it.name for it in place.glob("*.yaml")} - {"kustomization.yaml"}


def test_probes_ask_what_is_answered() -> None:
    (container,) = pod("deployment.yaml")["spec"]["containers"]
    probes = ("startupProbe", "readinessProbe", "livenessProbe")
    with serving() as served:
        for probe in probes:
            path = container[probe]["httpGet"]["path"]
            assert httpx.get(f"{served.url}{path}").status_code == 200


def test_every_alert_says_what_to_do() -> None:
    for rule in manifest("monitoring/rules.yaml")["spec"]["groups"][0]["rules"]:
        assert rule["annotations"]["description"].endswith(".")
        assert rule["labels"]["severity"] in {"critical", "warning"}


@needs_kubectl
@needs_schemas
@pytest.mark.parametrize("folder", ["", "migration"])
def test_what_is_rendered_meets_the_schemas_of_kubernetes(folder: str) -> None:
    import kubernetes_validate  # type: ignore[import-not-found]  # noqa: PLC0415

    words = ["kubectl", "kustomize", str(FOLDER / folder)]
    rendered = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    for document in yaml.safe_load_all(rendered):
        kubernetes_validate.validate(document, "1.32", strict=True)
