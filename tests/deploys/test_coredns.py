"""CoreDNS in a plan: what the topology does not mention is left as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_provision import assets, planning
from k8snet_provision.capability import Phase
from k8snet_provision.change import Action
from k8snet_provision.resources.kube_object import ObjectRef, owned_by
from tests.deploys.worlds import a_state, a_world

coredns = assets.deploy_module("coredns")

DEPLOYMENT = {
    **ObjectRef("apps/v1", "Deployment", "coredns", "kube-system").skeleton(),
    "spec": {
        "template": {"spec": {"containers": [{"name": "coredns", "image": "registry.k8s.io/coredns/coredns:v1"}]}}
    },
}
BUDGET = ObjectRef("policy/v1", "PodDisruptionBudget", "coredns", "kube-system").skeleton()


@pytest.mark.parametrize(
    ("dns", "deleted"),
    [("", []), ("dns: {}", []), ("dns: {pod_disruption_budget: false}", ["PodDisruptionBudget kube-system/coredns"])],
)
def test_only_what_a_dns_section_no_longer_asks_for_is_deleted(tmp_path: Path, dns: str, deleted: list[str]) -> None:
    """Taking the section away hands CoreDNS back to the operator; it must never take CoreDNS away."""
    owned = [owned_by("coredns", item) for item in (DEPLOYMENT, BUDGET)]
    for item in owned:
        item["metadata"]["resourceVersion"] = "7"
    world = a_world(tmp_path, f"service_cidr: 10.254.0.0/16\n{dns}", state=a_state(objects=owned, owned=owned))
    plan = planning.make([Phase(coredns.CAPABILITY)], world, ["cp1"], 0.0)
    assert plan.incomplete == ()
    assert [change.name for change in plan.changes if change.action is Action.DELETE] == deleted
