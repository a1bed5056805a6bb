"""A control plane as systemd units: etcd, API server, controller manager and scheduler, without a kubelet."""

from __future__ import annotations

import shutil

from k8snet_provision.lab import cluster as shared
from k8snet_provision.lab import processes
from k8snet_provision.lab.cluster import CONFIG, Cluster, in_parallel, pki
from k8snet_provision.lab.settings import Host

_CONTROL_PLANE = ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
# What every control plane must have in common; all else is signed with it.
_SHARED = (
    "ca.crt",
    "ca.key",
    "front-proxy-ca.crt",
    "front-proxy-ca.key",
    "sa.key",
    "sa.pub",
    "etcd/ca.crt",
    "etcd/ca.key",
)


def install(cluster: Cluster) -> None:
    """Certificates, kubeconfigs and units on the disks of the control planes."""
    _certificates(cluster, cluster.first)
    others = [host for host in cluster.control_planes if host != cluster.first]

    def follow(host: Host) -> None:
        copy_authorities(cluster, host)
        _certificates(cluster, host)
        (cluster.lab.root(host.name) / "etc/kubernetes/super-admin.conf").unlink()

    in_parallel(follow, others)
    for host in cluster.control_planes:
        for unit in _units(cluster, host):
            cluster.put(host, f"etc/systemd/system/{unit}.service", f"{unit}.service.j2")


def copy_authorities(cluster: Cluster, host: Host) -> None:
    source, target = pki(cluster, cluster.first), pki(cluster, host)
    (target / "etcd").mkdir(parents=True, exist_ok=True)
    for file in _SHARED:
        shutil.copy(source / file, target / file)


def _certificates(cluster: Cluster, host: Host) -> None:
    root = cluster.lab.root(host.name)
    for phase in ("certs", "kubeconfig"):
        processes.run_off(root, ["kubeadm", "init", "phase", phase, "all", "--config", f"/{CONFIG}"])
    (root / "etc/kubernetes/kubelet.conf").unlink()  # made with the others; here is no kubelet


def _units(cluster: Cluster, host: Host) -> tuple[str, ...]:
    return ("etcd", *_CONTROL_PLANE) if host in cluster.etcd else _CONTROL_PLANE


def start(cluster: Cluster) -> None:
    """Start every control plane and wait until each answers, also at the API endpoint."""
    in_parallel(lambda host: shared.switch_on(cluster, host, *_units(cluster, host)), cluster.control_planes)
    addresses = [host.address for host in cluster.control_planes]
    shared.wait_for_api(cluster, [*addresses, cluster.lab.settings.vip])


def upload(cluster: Cluster) -> None:
    """The cluster objects that kubeadm needs to let nodes join."""
    phases = ["upload-config all", "bootstrap-token"]
    if cluster.lab.settings.kube_proxy.install == "daemonset":
        phases.append("addon kube-proxy")
    admin = "/etc/kubernetes/super-admin.conf"
    binding = "kubeadm:cluster-admins --clusterrole=cluster-admin --group=kubeadm:cluster-admins"
    lines = [
        f"export KUBECONFIG={admin}",
        f"kubectl create clusterrolebinding {binding} --dry-run=client -o yaml | kubectl apply -f -",
        *(f"kubeadm init phase {phase} --config /{CONFIG} --kubeconfig {admin}" for phase in phases),
    ]
    cluster.run(cluster.first, "\n".join(lines), 120)
