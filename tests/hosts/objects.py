"""The cluster's objects as etcd has them: which keys were written, and what the written objects say."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from k8snet_provision.resources.kube_object import without_noise
from tests.hosts.labs import LabCluster

BY_KUBERNETES = {
    "events": "Kubernetes' own diary",
    "leases": "heartbeats of nodes and controllers, and the lock of a run",
    "masterleases": "heartbeats of apiservers",
    "pods": "made and ended by the kubelet and by workloads",
    "replicasets": "made by a Deployment whose template changed",
    "controllerrevisions": "made by a DaemonSet whose template changed",
    "endpointslices": "of the Service's Pods, kept by a controller; those of the catalogue are compared by content",
    "services/endpoints": "the elder form of EndpointSlices",
    "ipaddresses": "kept by the apiserver for every ClusterIP",
    "ranges": "the apiserver's bitmaps of ClusterIPs and node ports",
    "peerserverleases": "apiservers that know of each other",
}
"""What Kubernetes writes because of other objects, by the resource in etcd's key, and why."""

RESOURCES = {
    "ConfigMap": "configmaps",
    "Service": "services/specs",
    "ServiceCIDR": "servicecidrs",
    "ServiceAccount": "serviceaccounts",
    "Deployment": "deployments",
    "DaemonSet": "daemonsets",
    "ClusterRole": "clusterroles",
    "ClusterRoleBinding": "clusterrolebindings",
    "PodDisruptionBudget": "poddisruptionbudgets",
    "EndpointSlice": "endpointslices",
    "Node": "minions",
    "Namespace": "namespaces",
}
"""The resource in etcd's key, by kind."""

KINDS = (
    "configmaps,services,servicecidrs,serviceaccounts,deployments,daemonsets,clusterroles,clusterrolebindings,"
    "poddisruptionbudgets,endpointslices,nodes,namespaces"
)

PREFIX = "/registry/"

CONTROLLER = '"endpointslice.kubernetes.io/managed-by": "endpointslice-controller.k8s.io"'
"""In what an EndpointSlice says that Kubernetes keeps (its reference, EndpointSlices: management)."""


@dataclass(frozen=True)
class Objects:
    """`revisions`: when each key of etcd was written last. `content`: what operators' objects say, as canonical JSON
    without status and the server's bookkeeping, by key."""

    revisions: Mapping[str, int]
    content: Mapping[str, str]


def look(cluster: LabCluster, host: str = "cp1") -> Objects:
    with ThreadPoolExecutor(2) as pool:
        revisions, said = pool.submit(_revisions, cluster, host), pool.submit(content, cluster, host)
        return Objects(revisions.result(), said.result())


ETCDCTL = """
pid=
for p in /proc/[0-9]*; do
  first=$(tr '\\0' '\\n' <"$p/cmdline" 2>/dev/null | head -n 1)
  [ "${first##*/}" = etcd ] && pid=${p##*/} && break
done
[ "$pid" ] || { echo "no etcd runs here" >&2; exit 1; }
flag() { tr '\\0' '\\n' <"/proc/$pid/cmdline" | sed -n "s/^--$1=//p" | tail -n 1; }
program=$(command -v etcdctl) || program=/proc/$pid/root/usr/local/bin/etcdctl
"$program" --endpoints https://127.0.0.1:2379 --cacert "$(flag trusted-ca-file)" --cert "$(flag cert-file)" \\
  --key "$(flag key-file)" get /registry/ --prefix --keys-only -w json
"""


def _revisions(cluster: LabCluster, host: str) -> dict[str, int]:
    found = json.loads(cluster.on(host, ETCDCTL))["kvs"]
    return {base64.b64decode(item["key"]).decode("utf-8", "replace"): item["mod_revision"] for item in found}


def content(cluster: LabCluster, host: str) -> dict[str, str]:
    """What operators' objects say, by key; raises AssertionError where the API does not answer."""
    items = json.loads(cluster.kubectl(f"get {KINDS} -A -o json", host))["items"]
    return {key_of(item): json.dumps(_without_health(without_noise(item)), sort_keys=True) for item in items}


def _without_health(item: dict[str, Any]) -> dict[str, Any]:
    """A Node without the taints by which the node controller says that it has heard nothing from it, as while the only
    API server restarts (Kubernetes documentation, Taints and Tolerations: taint based evictions)."""
    if item["kind"] == "Node":
        taints = item.get("spec", {}).pop("taints", [])
        if kept := [taint for taint in taints if not taint["key"].startswith("node.kubernetes.io/")]:
            item["spec"]["taints"] = kept
    return item


def key_of(item: Mapping[str, Any]) -> str:
    meta = item["metadata"]
    return key(item["kind"], meta.get("namespace", ""), meta["name"])


def key(kind: str, namespace: str, name: str) -> str:
    middle = f"{namespace}/" if namespace else ""
    return f"{PREFIX}{RESOURCES[kind]}/{middle}{name}"


def written(before: Objects, after: Objects) -> set[str]:
    """Keys that were made, written or deleted, but for what Kubernetes writes because of others.

    An object whose text is the same was written for its status, by a controller.
    """
    keys = {k for k in {*before.revisions, *after.revisions} if before.revisions.get(k) != after.revisions.get(k)}
    return {k for k in keys if not by_kubernetes(k) and not _only_status(before, after, k)} | _slices(before, after)


def by_kubernetes(key: str) -> bool:
    return any(key.startswith(f"{PREFIX}{resource}/") for resource in BY_KUBERNETES)


def _only_status(before: Objects, after: Objects, key: str) -> bool:
    return key in before.content and before.content[key] == after.content.get(key)


def _slices(before: Objects, after: Objects) -> set[str]:
    """EndpointSlices that no controller of Kubernetes keeps and that are not what they were."""
    prefix = f"{PREFIX}{RESOURCES['EndpointSlice']}/"
    texts = (before.content, after.content)
    ours = {k for said in texts for k, text in said.items() if k.startswith(prefix) and CONTROLLER not in text}
    return {k for k in ours if before.content.get(k) != after.content.get(k)}


def planned(changes: Iterable[Mapping[str, Any]]) -> set[str]:
    """Keys that a plan's changes say are written: of objects, and of workloads whose Pods are to start anew."""
    found = set()
    for change in changes:
        if change["target"] == "cluster" and change["kind"] in ("object", "restart"):
            kind, _, place = change["name"].partition(" ")
            namespace, _, name = place.rpartition("/")
            found.add(key(kind, namespace, name))
    return found


def differing(before: Objects, after: Objects) -> dict[str, tuple[str, str]]:
    """Operators' objects that do not say what they said, but for what Kubernetes keeps."""
    keys = {k for k in {*before.content, *after.content} if not by_kubernetes(k)} | _slices(before, after)
    pairs = {k: (before.content.get(k, ""), after.content.get(k, "")) for k in keys}
    return {k: pair for k, pair in sorted(pairs.items()) if pair[0] != pair[1]}
