"""The old way in goes, once nobody uses it: its pods finish what they have begun, then its other objects."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence

from deploys.ingress_nodes import LABEL, chosen, label_change, labelled, set_label
from k8snet_provision.capability import Capability
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.engine import operations
from k8snet_provision.engine.carry_out import cluster_changes as carry_out_objects
from k8snet_provision.engine.carry_out import deploy
from k8snet_provision.engine.shell import assign
from k8snet_provision.ingress import admission, foreign
from k8snet_provision.ingress.controller import WEBHOOK
from k8snet_provision.ingress.paths import NODE_LABEL, OWNER
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.seen import World

NAME = "ingress-retired"

GONE_WITHIN = 300
"""Seconds for pods to finish open requests (terminationGracePeriodSeconds of the controller, and of the chart)."""

WORKLOADS = ("Deployment", "DaemonSet")

PODS_GONE = """
ends=$(($(date +%s) + within))
while left=$(K -n "$namespace" get pods -l "$selector" -o name) && [ "$left" ]; do
  [ "$(date +%s)" -lt "$ends" ] || { echo "waited $within s for the end of" $left >&2; exit 1; }
  sleep 0.5
done
[ -z "$left" ]
"""


def cluster_changes(world: World) -> Iterable[Change]:
    """Beside what the phase prunes: what was adopted, labels of nodes, the certificate of a webhook switched off."""
    ingress = world.topology.ingress
    if ingress is None:
        return
    for item in foreign.adopted(world):
        yield from kube_object.change(NAME, item, None, because="adopted: ours serves instead")
    kept = chosen(world)
    for item in world.state.nodes:
        name = item["metadata"]["name"]
        if name not in kept and labelled(item):
            yield label_change(NAME, name, f"{NODE_LABEL}: true\n", None, because="no longer chosen")
    if not ingress.admission and admission.bundle(world) is not None:
        yield _secret_gone(ingress.namespace)


def _secret_gone(namespace: str) -> Change:
    """Its key is never read, so the text cannot show it."""
    ref = ObjectRef("v1", "Secret", WEBHOOK, namespace)
    details = {"how": "delete", "manifest": json.dumps(ref.skeleton())}
    return Change(NAME, CLUSTER, Kind.OBJECT, str(ref), "the webhook's certificate\n", None, details, secret=True)


@deploy("retired ways in")
def roll_out(changes: Sequence[Change], prelude: str = "") -> None:
    """Webhooks first: what nobody answers would refuse every Ingress. Labels last: they end pods at once."""
    objects = [change for change in changes if change.details["how"] != LABEL]
    webhooks = [change for change in objects if change.name.startswith("ValidatingWebhookConfiguration ")]
    workloads = [change for change in objects if change.name.startswith(tuple(f"{kind} " for kind in WORKLOADS))]
    carry_out_objects(webhooks, prelude)
    carry_out_objects(workloads, prelude)
    for change in workloads:
        _wait_for_pods(change, prelude)
    carry_out_objects([change for change in objects if change not in webhooks and change not in workloads], prelude)
    for change in changes:
        if change.details["how"] == LABEL:
            set_label(change, prelude)


def _wait_for_pods(change: Change, prelude: str) -> None:
    workload: Mapping[str, Manifest] = json.loads(change.details["before_manifest"])
    labels = workload["spec"]["selector"].get("matchLabels") or {}
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    values = assign(namespace=workload["metadata"]["namespace"], selector=selector, within=str(GONE_WITHIN))
    name = f"the end of the pods of {change.name}"
    operations.run_script(f"{prelude}\n{values}{PODS_GONE}", name=name, timeout=GONE_WITHIN + 30)


CAPABILITY = Capability(
    name=NAME,
    felt="nothing where names were followed: the old addresses answer no more",
    carry_out=roll_out,
    cluster_changes=cluster_changes,
    retires=(OWNER,),
    puts_back=False,
)
