"""What is asked of the cluster: which objects a dry run refused, and what is foreseen without one."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from k8snet_provision import planning
from k8snet_provision.capability import Capability, Phase, nothing
from k8snet_provision.change import Action
from k8snet_provision.dry_run import accepted, foresee
from k8snet_provision.resources.kube_object import ObjectRef
from tests.deploys.worlds import a_state, a_world


def test_what_kubectl_did_not_name_was_refused() -> None:
    """Also where two objects differ in their namespace only, which kubectl's names leave out."""
    ingress = "networking.k8s.io/v1"
    asked = [
        ObjectRef("v1", "Service", "shop", "a").skeleton(),
        ObjectRef(ingress, "Ingress", "shop", "a").skeleton(),
        ObjectRef(ingress, "Ingress", "bad", "a").skeleton(),
        ObjectRef(ingress, "Ingress", "shop", "b").skeleton(),
    ]
    printed = ["service/shop", "ingress.networking.k8s.io/shop", "ingress.networking.k8s.io/shop"]
    assert accepted(asked, printed) == [asked[0], asked[1], asked[3]]
    assert accepted(asked, []) == []


def test_what_cannot_be_foreseen_is_incomplete_and_hides_nothing_else(tmp_path: Path) -> None:
    """And needs no connection: the function is given none."""
    thing = {"apiVersion": "example.com/v1", "kind": "Thing", "metadata": {"name": "x"}, "spec": {"ids": ["b"]}}
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c", "namespace": "n"}, "data": {"a": "1"}}
    there = [_live(thing, spec={"ids": ["a"]}), _live(config, data={"a": "2"})]
    missing = ObjectRef("v1", "ServiceAccount", "new", "n").skeleton()
    site = [Phase(Capability("way", carry_out=nothing, manifests=lambda world: [thing, config, missing]))]
    world = foresee(site, a_world(tmp_path, "service_cidr: 10.254.0.0/16", state=a_state(objects=there)))
    plan = planning.make(site, world, ["cp1"], 0.0)
    assert [(item.target, item.what) for item in plan.incomplete] == [("cluster", "Thing x")]
    assert [(change.action, change.name) for change in plan.changes] == [
        (Action.UPDATE, "ConfigMap n/c"),
        (Action.CREATE, "ServiceAccount n/new"),
    ]


def _live(item: dict[str, Any], **fields: Any) -> dict[str, Any]:
    return {**item, **fields, "metadata": {**item["metadata"], "resourceVersion": "7"}}
