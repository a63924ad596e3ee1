"""The manifests: valid for Kubernetes, of one piece, and as closed as the documents say."""

from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from api.operations.draining import GRACE_S
from api.settings import Settings

FOLDER = Path(__file__).parents[2] / "deploy" / "kubernetes"
FILES = sorted(FOLDER.glob("*.yaml"))
VERSIONS = ("1.30", kubernetes_validate.latest_version())


def read(name: str) -> dict[str, Any]:
    told: dict[str, Any] = yaml.safe_load((FOLDER / f"{name}.yaml").read_text(encoding="utf-8"))
    return told


@pytest.fixture
def pod() -> dict[str, Any]:
    told: dict[str, Any] = read("deployment")["spec"]["template"]["spec"]
    return told


@pytest.fixture
def container(pod: dict[str, Any]) -> dict[str, Any]:
    (only,) = pod["containers"]
    told: dict[str, Any] = only
    return told


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_a_manifest_is_valid(file: Path, version: str) -> None:
    kubernetes_validate.validate(yaml.safe_load(file.read_text(encoding="utf-8")), version, strict=True)


def test_the_validation_finds_what_is_wrong() -> None:
    wrong = read("deployment")
    wrong["spec"]["template"]["spec"]["containers"][0]["readinesProbe"] = {}
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate(wrong, VERSIONS[-1], strict=True)


def test_there_is_what_a_deployment_needs() -> None:
    assert {read(file.stem)["kind"] for file in FILES} == {
        "Deployment", "Service", "PodDisruptionBudget", "NetworkPolicy",
    }  # fmt: skip


def test_all_choose_the_same_pods() -> None:
    deployment = read("deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    assert deployment["selector"]["matchLabels"] == labels
    assert read("service")["spec"]["selector"] == labels
    assert read("poddisruptionbudget")["spec"]["selector"]["matchLabels"] == labels
    assert read("networkpolicy")["spec"]["podSelector"]["matchLabels"] == labels
    assert read("poddisruptionbudget")["spec"]["minAvailable"] < deployment["replicas"]


def test_settings_are_settings(container: dict[str, Any], pod: dict[str, Any]) -> None:
    names = [one["name"].removeprefix("RENZHENG_").lower() for one in container["env"]]
    assert set(names) <= Settings.model_fields.keys()
    given = {name: one["value"] for name, one in zip(names, container["env"], strict=True) if "value" in one}
    settings = Settings.model_validate(given)
    assert pod["enableServiceLinks"] is False
    assert settings.drain_s + GRACE_S < pod["terminationGracePeriodSeconds"]
    assert settings.compute_threads == int(container["resources"]["limits"]["cpu"])
    ports = {one["name"]: one["containerPort"] for one in container["ports"]}
    assert ports == {"http": settings.port, "metrics": settings.metrics_port}
    # Unready for longer than it takes to be noticed.
    probe = container["readinessProbe"]
    assert settings.drain_s > probe["periodSeconds"] * probe["failureThreshold"]


def test_it_runs_as_nobody_and_writes_only_where_it_may(container: dict[str, Any], pod: dict[str, Any]) -> None:
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["runAsUser"] >= 10_000
    assert pod["automountServiceAccountToken"] is False
    told = container["securityContext"]
    assert told["readOnlyRootFilesystem"] is True
    assert told["allowPrivilegeEscalation"] is False
    assert told["capabilities"]["drop"] == ["ALL"]
    mounts = {one["mountPath"]: one for one in container["volumeMounts"]}
    assert mounts["/var/lib/renzheng/keys"]["readOnly"] is True
    writable = {path for path, one in mounts.items() if not one.get("readOnly")}
    assert writable == {"/tmp", "/var/lib/renzheng/impostors", "/var/lib/renzheng/snapshots"}
    keys = next(one for one in pod["volumes"] if one["name"] == "keys")
    assert keys["secret"]["defaultMode"] == 0o440


def test_probes_ask_the_right_thing(container: dict[str, Any]) -> None:
    asked = {name: container[f"{name}Probe"]["httpGet"]["path"] for name in ("startup", "liveness", "readiness")}
    assert asked == {"startup": "/readyz", "liveness": "/healthz", "readiness": "/readyz"}


def test_nothing_is_open_to_all() -> None:
    policy = read("networkpolicy")["spec"]
    assert set(policy["policyTypes"]) == {"Ingress", "Egress"}
    for rule in policy["ingress"]:
        assert rule["from"]
        assert rule["ports"]
    for rule in policy["egress"]:
        assert rule["to"]
        assert rule["ports"]
    to_metrics = [rule for rule in policy["ingress"] if {"port": "metrics"} in rule["ports"]]
    assert len(to_metrics) == 1
    assert {"port": "http"} not in to_metrics[0]["ports"]
