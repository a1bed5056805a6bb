"""Nodes: how a host becomes one, and how to know that nodes and pods are Ready now, not before a reboot."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable, Iterable, Iterator
from datetime import datetime
from typing import Any

from k8snet_provision.lab import cluster as shared
from k8snet_provision.lab import images, processes
from k8snet_provision.lab.cluster import CONFIG, READY_SECONDS, Cluster, in_parallel, pki
from k8snet_provision.lab.progress import wait_for
from k8snet_provision.lab.settings import Host

SAMPLE_APP = "demo"  # its namespace

# cgroup version 1 is what many machines still have; kubeadm would stop at it.
ACCEPT = "--ignore-preflight-errors=SystemVerification"


def join(cluster: Cluster, host: Host, control_plane: bool = False) -> None:
    """Make the host a node, and a control plane too if wanted."""
    ca = base64.b64encode((pki(cluster, cluster.first) / "ca.crt").read_bytes()).decode()
    cluster.put(host, "etc/kubernetes/discovery.conf", "discovery.conf.j2", ca=ca)
    cluster.put(host, "etc/kubernetes/join.yaml", "join.yaml.j2", 0o600, control_plane=control_plane)
    command = f"kubeadm join --config /etc/kubernetes/join.yaml {ACCEPT}"
    cluster.run(host, f"systemctl enable -q --now containerd; systemctl enable -q kubelet; {command}", 180)


def joined(cluster: Cluster, host: Host) -> bool:
    return (cluster.lab.root(host.name) / "etc/kubernetes/kubelet.conf").exists()


def install_proxies(cluster: Cluster, nodes: Iterable[Host]) -> None:
    """kube-proxy as a unit of every node, where the lab wants that rather than kubeadm's DaemonSet."""
    if cluster.lab.settings.kube_proxy.install == "systemd":
        in_parallel(lambda host: _install_proxy(cluster, host), nodes)


def _install_proxy(cluster: Cluster, host: Host) -> None:
    command = ["kubeadm", "kubeconfig", "user", "--client-name=system:kube-proxy", f"--config=/{CONFIG}"]
    kubeconfig = processes.run_off(cluster.lab.root(cluster.first.name), command)
    cluster.put(host, "var/lib/kube-proxy/config.conf", "kube-proxy.yaml.j2")
    cluster.put(host, "etc/systemd/system/kube-proxy.service", "kube-proxy.service.j2")
    secret = cluster.lab.root(host.name) / "var/lib/kube-proxy/kubeconfig.conf"
    secret.touch(mode=0o600)
    secret.write_text(kubeconfig)
    shared.switch_on(cluster, host, "kube-proxy")


def give_pod_networks(cluster: Cluster, nodes: Iterable[Host]) -> None:
    """Tell the cluster which pod network each node has. Its CNI configuration and routes are there already."""
    lines = []
    for node in nodes:
        patch = f'{{"spec":{{"podCIDR":"{node.pods}","podCIDRs":["{node.pods}"]}}}}'
        lines.append(f"kubectl wait --for=create node/{node.name} --timeout=60s")
        lines.append(f"kubectl patch node {node.name} -p '{patch}'")
    cluster.run(cluster.first, "\n".join(lines), 120)


def start_sample_app(cluster: Cluster) -> None:
    """Add the applications of an operator's own that the lab comes with."""
    path = "etc/kubernetes/sample-app.yaml"
    cluster.put(cluster.first, path, "sample-app.yaml.j2", namespace=SAMPLE_APP, image=images.NAMES["probe"])
    cluster.run(cluster.first, f"kubectl apply -f /{path}")


def start_dns(cluster: Cluster) -> None:
    """Add CoreDNS, after kube-proxy: one that starts first loses half a minute in a dial nobody answers."""
    cluster.run(cluster.first, f"kubeadm init phase addon coredns --config /{CONFIG}")


def wait_until_ready(cluster: Cluster, nodes: Iterable[Host], since: datetime) -> None:
    """Return once the nodes and the lab's own pods on them are Ready, by what was reported after `since`.

    What a rebooted or restored node reported earlier stays in the API for a while and proves nothing.
    Raises WaitedTooLong with what is not Ready.
    """
    names = {node.name for node in nodes}

    def unready() -> str:
        try:
            found = cluster.run(cluster.first, "kubectl get nodes,leases,pods -A -o json")
        except processes.CommandFailed as failure:
            return str(failure)
        return "; ".join(_unready(json.loads(found)["items"], names, since))

    wait_for(f"nodes and pods of {cluster.lab.name} to be Ready", READY_SECONDS, unready, pause=0.8)


def _unready(items: list[dict[str, Any]], names: set[str], since: datetime) -> Iterator[str]:
    there = {item["metadata"]["name"] for item in items if item["kind"] == "Node"}
    yield from (f"node {name} is missing" for name in sorted(names - there))
    for item in items:
        if _node_of(item) in {*names, None} and not _GOOD[item["kind"]](item, since):
            yield f"{item['kind']} {item['metadata']['name']} is not Ready"


def _node_of(item: dict[str, Any]) -> str | None:
    """The node that an object of the cluster's own speaks of, None for a pod without one yet; else empty."""
    if item["kind"] == "Node" or item["metadata"].get("namespace") == "kube-node-lease":
        return str(item["metadata"]["name"])
    if item["kind"] != "Pod" or "deletionTimestamp" in item["metadata"]:
        return ""
    # An application that finds no room must not keep `lab up` from ending.
    nowhere = {"kube-system": None, SAMPLE_APP: ""}
    namespace = item["metadata"]["namespace"]
    return item["spec"].get("nodeName", nowhere[namespace]) if namespace in nowhere else ""


def _is_ready(item: dict[str, Any]) -> bool:
    conditions = item.get("status", {}).get("conditions", ())
    return any(c["type"] == "Ready" and c["status"] == "True" for c in conditions)


def _started(pod: dict[str, Any]) -> datetime:
    """When the youngest of its running containers started."""
    states = [status.get("state", {}) for status in pod["status"].get("containerStatuses", ())]
    times = [_time(state["running"]["startedAt"]) for state in states if "running" in state]
    return max(times, default=_time("1970-01-01T00:00:00Z"))


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


_GOOD: dict[str, Callable[[dict[str, Any], datetime], bool]] = {
    "Node": lambda node, _: _is_ready(node),
    "Lease": lambda lease, since: _time(lease["spec"]["renewTime"]) >= since,
    "Pod": lambda pod, since: _is_ready(pod) and _started(pod) >= since,
}
