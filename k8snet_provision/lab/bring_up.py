"""From hosts that answer to a cluster whose pods are Ready, one step after the other."""

from __future__ import annotations

from datetime import UTC, datetime

from k8snet_provision.lab import cluster as shared
from k8snet_provision.lab import kubeadm_cluster, nodes, systemd_cluster
from k8snet_provision.lab.cluster import Cluster, in_parallel
from k8snet_provision.lab.progress import Say
from k8snet_provision.lab.settings import Host
from k8snet_provision.lab.state import Kind

_EVER = datetime.fromtimestamp(0, UTC)


def make(cluster: Cluster, kind: Kind, say: Say) -> None:
    """Make the cluster of hosts that are on. Raises CommandFailed and WaitedTooLong."""
    lab = cluster.lab
    for host in (*lab.hosts, lab.endpoint()):
        shared.furnish(cluster, host)
    shared.switch_on(cluster, lab.endpoint(), "haproxy")
    in_parallel(lambda host: shared.switch_on(cluster, host, "containerd"), cluster.workers)
    if kind == "kubeadm":
        kubeadm_cluster.make(cluster, say)
    else:
        _control_plane_of_units(cluster, say)
    add_nodes(cluster, cluster.workers, say)
    own = cluster.control_planes if kind == "kubeadm" else ()
    members = (*own, *cluster.workers)
    nodes.install_proxies(cluster, own)
    nodes.give_pod_networks(cluster, own)
    nodes.wait_until_ready(cluster, members, _EVER)
    say(f"{len(members)} nodes are Ready")
    if cluster.workers:
        nodes.start_sample_app(cluster)
    nodes.start_dns(cluster)
    nodes.wait_until_ready(cluster, members, _EVER)
    say("all pods are Ready")


def _control_plane_of_units(cluster: Cluster, say: Say) -> None:
    systemd_cluster.install(cluster)
    say("certificates and units of the control planes are written")
    systemd_cluster.start(cluster)
    say(f"{len(cluster.control_planes)} API servers are ready, also at {cluster.lab.settings.vip}")
    systemd_cluster.upload(cluster)


def add_nodes(cluster: Cluster, hosts: tuple[Host, ...], say: Say) -> None:
    """Make the hosts nodes that are none yet."""
    new = [host for host in hosts if not nodes.joined(cluster, host)]
    for host in new:
        shared.furnish(cluster, host)
    nodes.install_proxies(cluster, new)
    in_parallel(lambda host: nodes.join(cluster, host), new)
    if new:
        nodes.give_pod_networks(cluster, new)
        say(f"joined: {', '.join(host.name for host in new)}")
