"""From hosts that answer to a cluster whose pods are Ready, one step after the other."""

from __future__ import annotations

from k8snet_provision.lab import cluster as shared
from k8snet_provision.lab import systemd_cluster
from k8snet_provision.lab.cluster import Cluster, in_parallel
from k8snet_provision.lab.progress import Say


def make(cluster: Cluster, say: Say) -> None:
    """Make the cluster of hosts that are on. Raises CommandFailed and WaitedTooLong."""
    lab = cluster.lab
    for host in (*lab.hosts, lab.endpoint()):
        shared.furnish(cluster, host)
    shared.switch_on(cluster, lab.endpoint(), "haproxy")
    in_parallel(lambda host: shared.switch_on(cluster, host, "containerd"), cluster.workers)
    systemd_cluster.install(cluster)
    say("certificates and units of the control planes are written")
    systemd_cluster.start(cluster)
    say(f"{len(cluster.control_planes)} API servers are ready, also at {lab.settings.vip}")
    systemd_cluster.upload(cluster)
    systemd_cluster.add_workers(cluster, cluster.workers)
    shared.give_pod_networks(cluster, cluster.workers)
    shared.wait_for_nodes(cluster, cluster.workers)
    say(f"{len(cluster.workers)} nodes are Ready")
    shared.start_dns(cluster)
    shared.wait_for_pods(cluster)
    say("all pods of kube-system are Ready")
