"""What each phase's batches took on the lab: the forecast where this cluster has no run of its own yet.

Medians of what `make demo` prints: 3 control planes as systemd units, 2 nodes, 2 load balancers, all of them on 2
cores that other programs used as well. What the demo does not do is of a lab with one control plane and one node:
kubeadm's control plane, kube-proxy as a unit, and a node that does not forward.
"""

from __future__ import annotations

SECONDS = {
    "kube-apiserver": 5.0,
    "service-range": 19.8,
    "kube-proxy kernel": 0.3,
    "kube-proxy config": 0.3,
    "kube-proxy pods": 5.4,
    "kube-proxy": 1.6,
    "coredns": 3.7,
    "kubelet": 0.9,
    "addon-pods": 3.1,
    "metallb": 18.6,
    "metallb-pools": 1.3,
    "services": 0.4,
    "ingress-nodes": 0.3,
    "ingress-nginx": 16.4,
    "edge": 1.6,
    "ingresses": 1.4,
    "ingress-admission": 0.4,
    "ingress-traffic": 12.6,
    "edge-retired": 0.4,
    "ingress-retired": 14.1,
}
"""By phase. That of ingress-traffic is without the seconds that `ingress.switch.quiet` asks for."""

UNDER_KUBEADM = {"kube-apiserver": 47.9}
"""Where the control plane is static pods: the kubelet has to see the change and to end the old pod first."""


BEFORE, SNAPSHOT = 2.0, 2.5
"""Before the first batch, beside looking; and the etcd snapshot of a cluster that is small."""


def beginning(keeps_etcd: bool) -> float:
    return BEFORE + (SNAPSHOT if keeps_etcd else 0.0)


def seconds(phase: str, control_plane: str) -> float | None:
    """`control_plane` is "systemd", "kubeadm" or both, as the plan's headline has it; None without a figure."""
    if "kubeadm" in control_plane and phase in UNDER_KUBEADM:
        return UNDER_KUBEADM[phase]
    return SECONDS.get(phase)
