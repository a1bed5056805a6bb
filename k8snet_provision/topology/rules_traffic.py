"""K8N13x and K8N15x: NodePorts and kube-proxy."""

from __future__ import annotations

from collections.abc import Iterator

from k8snet_provision.problems import Problem, Severity

from .cluster import Cluster

# kubernetes.io/docs/reference/networking/ports-and-protocols, and SSH, by which this tool comes.
HELD_PORTS = {
    22: "sshd",
    2379: "etcd",
    2380: "etcd peers",
    6443: "kube-apiserver",
    10249: "kube-proxy metrics",
    10250: "kubelet",
    10256: "kube-proxy healthz",
    10257: "kube-controller-manager",
    10259: "kube-scheduler",
}
FIRST_UNPRIVILEGED = 1024


def node_ports_are_in_use(cluster: Cluster) -> Iterator[Problem]:
    """K8N130: a NodePort redirects its port on every address of the node, whoever listens there."""
    ports = cluster.topology.node_port_range
    where = cluster.origin("node_port_range")
    expected = "ports above 1023 that nothing listens on, such as 30000-32767"
    held = [f"{port} ({what})" for port, what in HELD_PORTS.items() if port in ports and port >= FIRST_UNPRIVILEGED]
    if ports.first < FIRST_UNPRIVILEGED:
        yield Problem("K8N130", "node_port_range holds well-known ports", where, str(ports), expected)
    if held:
        text = f"node_port_range holds ports of the cluster itself: {', '.join(held)}"
        yield Problem("K8N130", text, where, str(ports), expected)


def ipvs_is_deprecated(cluster: Cluster) -> Iterator[Problem]:
    """K8N150: KEP-5495."""
    proxy = cluster.topology.kube_proxy
    if proxy is not None and proxy.mode == "ipvs":
        yield Problem(
            "K8N150",
            "kube-proxy's ipvs mode is deprecated since Kubernetes 1.35, off by default in 1.40, gone in 1.43",
            cluster.origin("kube_proxy", "mode"),
            "ipvs",
            "nftables or iptables",
            "nftables needs Linux 5.13",
            Severity.WARNING,
        )


def options_have_no_effect(cluster: Cluster) -> Iterator[Problem]:
    """K8N151: kube-proxy reads the options of its own mode only."""
    proxy = cluster.topology.kube_proxy
    for mode in ("ipvs", "nftables", "iptables"):
        if proxy is not None and mode != proxy.mode and getattr(proxy, mode) is not None:
            yield Problem(
                "K8N151",
                f"the options kube_proxy.{mode} have no effect in mode {proxy.mode}",
                cluster.origin("kube_proxy", mode),
                hint=f"remove them, or choose mode {mode}",
                severity=Severity.WARNING,
            )
