"""The end of a way in: its pods finish what they have begun, then its other objects go."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from k8snet_provision.change import Change
from k8snet_provision.engine import operations
from k8snet_provision.engine.carry_out import cluster_changes as carry_out_objects
from k8snet_provision.engine.shell import assign
from k8snet_provision.resources.kube_object import Manifest

GONE_WITHIN = 300
"""Seconds for pods to finish open requests (terminationGracePeriodSeconds of the controller, and of the chart)."""

WORKLOADS = ("Deployment ", "DaemonSet ")

PODS_GONE = """
ends=$(($(date +%s) + within))
while left=$(K -n "$namespace" get pods -l "$selector" -o name) && [ "$left" ]; do
  [ "$(date +%s)" -lt "$ends" ] || { echo "waited $within s for the end of" $left >&2; exit 1; }
  sleep 0.5
done
[ -z "$left" ]
"""


def take_away(changes: Sequence[Change], prelude: str) -> None:
    """Webhooks first: what nobody answers would refuse every Ingress. The Namespace last, with all that is in it."""
    webhooks = [change for change in changes if change.name.startswith("ValidatingWebhookConfiguration ")]
    workloads = [change for change in changes if change.name.startswith(WORKLOADS)]
    rooms = [change for change in changes if change.name.startswith("Namespace ")]
    carry_out_objects(webhooks, prelude)
    carry_out_objects(workloads, prelude)
    for change in workloads:
        _wait_for_pods(change, prelude)
    placed = [*webhooks, *workloads, *rooms]
    carry_out_objects([change for change in changes if change not in placed], prelude)
    carry_out_objects(rooms, prelude)


def _wait_for_pods(change: Change, prelude: str) -> None:
    """One that nobody saw has no pods that anybody could wait for."""
    if "before_manifest" not in change.details:
        return
    workload: Mapping[str, Manifest] = json.loads(change.details["before_manifest"])
    labels = workload["spec"]["selector"].get("matchLabels") or {}
    selector = ",".join(f"{key}={value}" for key, value in labels.items())
    values = assign(namespace=workload["metadata"]["namespace"], selector=selector, within=str(GONE_WITHIN))
    name = f"the end of the pods of {change.name}"
    operations.run_script(f"{prelude}\n{values}{PODS_GONE}", name=name, timeout=GONE_WITHIN + 30)
