"""A control plane as kubeadm makes it: static pods under a kubelet, etcd stacked on the same hosts."""

from __future__ import annotations

from k8snet_provision.lab import cluster as shared
from k8snet_provision.lab import nodes, systemd_cluster
from k8snet_provision.lab.cluster import CONFIG, Cluster
from k8snet_provision.lab.progress import Say


def make(cluster: Cluster, say: Say) -> None:
    """kubeadm init on the first control plane, then joins one by one: etcd takes one new member at a time."""
    skipped = ["addon/coredns", "show-join-command"]
    if cluster.lab.settings.kube_proxy.install == "systemd":
        skipped.append("addon/kube-proxy")
    script = (
        "systemctl enable -q --now containerd; systemctl enable -q kubelet; "
        f"kubeadm init --config /{CONFIG} --skip-phases={','.join(skipped)} {nodes.ACCEPT}"
    )
    cluster.run(cluster.first, script, 240)
    shared.wait_for_api(cluster, [cluster.first.address, cluster.lab.settings.vip])
    say(f"kubeadm made {cluster.first.name}")
    for host in cluster.control_planes[1:]:
        systemd_cluster.copy_authorities(cluster, host)
        nodes.join(cluster, host, control_plane=True)
        say(f"{host.name} joined as a control plane")
