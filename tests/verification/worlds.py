"""A world in which only the topology and the cluster's objects matter."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.observe import Observation
from k8snet_provision.seen import World
from k8snet_provision.verification.way_in import Controller, WayIn
from k8snet_provision.verification.web import Door
from tests.topology.written import write

DOOR = Door("VIP", "192.0.2.100")


def world(path: Path, topology: str) -> World:
    text = "topology:\n  service_cidr: 10.254.0.0/16\n" + "".join(f"  {line}\n" for line in topology.splitlines())
    return World(write(path / "inventory", text).cluster(), Observation({}, {}), ClusterState(None, "not asked"))


def way(*ingresses: dict[str, Any]) -> WayIn:
    return WayIn("load_balancer", (DOOR,), (Controller("c-1", "uid-1", "w1", True, {}),), ingresses)


def ingress(name: str, spec: dict[str, Any], **annotations: str) -> dict[str, Any]:
    return {"metadata": {"namespace": "demo", "name": name, "annotations": annotations}, "spec": spec}
