"""Fields of ours that somebody else writes, told while they still hold what is wanted."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from deploys import services
from k8snet_provision import assets
from k8snet_provision.drift import Finding
from k8snet_provision.resources.kube_object import Manifest
from tests.deploys.worlds import a_state, a_world

ownership = assets.deploy_module("watched.ownership")

TOPOLOGY = """\
service_cidr: 10.96.0.0/16
services:
  - {name: app, namespace: demo, selector: {app: app}, ports: [{port: 80}]}
"""
OURS = ("k8snet-provision", "Apply", "2026-11-28T02:00:00Z")
LATER = "2026-11-29T02:00:00Z"


def managed(who: tuple[str, str, str], *fields: str) -> dict[str, Any]:
    manager, operation, time = who
    tree = {"f:spec": {f"f:{field}": {} for field in fields}}
    return {"manager": manager, "operation": operation, "time": time, "apiVersion": "v1", "fieldsV1": tree}


def found(tmp_path: Path, *entries: dict[str, Any], **spec: Any) -> list[Finding]:
    """`spec`: what differs in the live object from what we send."""
    empty = a_world(tmp_path, TOPOLOGY, {}, a_state())
    (sent,) = services.CAPABILITY.manifests(empty)
    meta = {**sent["metadata"], "managedFields": list(entries)}
    live: Manifest = {**sent, "metadata": meta, "spec": {**sent["spec"], **spec}}
    world = a_world(tmp_path, TOPOLOGY, {}, a_state(objects=[live]))
    return [finding for watch in ownership.WATCHES for finding in watch.in_cluster(world)]


def test_a_field_that_is_ours_is_in_sync_whoever_owns_it_too(tmp_path: Path) -> None:
    other = ("helm", "Apply", LATER)
    assert found(tmp_path, managed(OURS, "selector", "type")) == []
    assert found(tmp_path, managed(OURS, "selector", "type"), managed(other, "type", "externalIPs")) == []


def test_a_field_that_somebody_took_over_is_told_with_who_and_when(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, managed(OURS, "selector"), managed(("kubectl-edit", "Update", LATER), "type"))
    assert (finding.code, finding.capability, finding.what) == ("K8N728", "services", "Service demo/app")
    assert finding.before == "spec.type: kubectl-edit (Update)\n"
    assert finding.who == f"kubectl-edit (Update) at {LATER}"


def test_it_is_the_same_finding_however_often_they_write_it(tmp_path: Path) -> None:
    prints = {
        found(tmp_path, managed(OURS, "selector"), managed(("op", "Update", time), "type"))[0].fingerprint
        for time in (LATER, "2026-11-30T02:00:00Z")
    }
    assert len(prints) == 1


def test_a_field_whose_value_differs_is_told_by_the_plan_alone(tmp_path: Path) -> None:
    taken = managed(("kubectl-edit", "Update", LATER), "type")
    assert found(tmp_path, managed(OURS, "selector"), taken, type="NodePort") == []
