"""A cluster on a lab's hosts: who does what, and the steps that both kinds of control plane share."""

from __future__ import annotations

import secrets
import ssl
import urllib.error
import urllib.request
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from ipaddress import IPv4Address
from pathlib import Path

from k8snet_provision.lab import assets, processes
from k8snet_provision.lab.progress import wait_for
from k8snet_provision.lab.settings import ENDPOINT, Host, Lab

CONFIG = "etc/kubernetes/kubeadm.yaml"
READY_SECONDS = 120


@dataclass(frozen=True)
class Cluster:
    """A cluster to be: which hosts do what, and the token that lets nodes in."""

    lab: Lab
    version: str
    token: str

    @property
    def control_planes(self) -> tuple[Host, ...]:
        return self.lab.group("kube_control_plane")

    @property
    def etcd(self) -> tuple[Host, ...]:
        return self.lab.group("etcd")

    @property
    def first(self) -> Host:
        return self.control_planes[0]

    @property
    def workers(self) -> tuple[Host, ...]:
        nodes, others = self.lab.group("kube_node"), self.control_planes
        return tuple(host for host in nodes if host not in others)

    @property
    def values(self) -> dict[str, object]:
        """What the templates see; one control plane needs no leader election, which costs seconds."""
        elect = "true" if len(self.control_planes) > 1 else "false"
        seen = {"control_planes": self.control_planes, "etcd": self.etcd, "elect": elect}
        return {"lab": self.lab, "version": self.version, "token": self.token, **seen}

    def put(self, host: Host, path: str, template: str, mode: int = 0o644, **more: object) -> None:
        """Write a rendered template onto the host's disk at a path relative to its root."""
        file = self.lab.root(host.name) / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=mode)
        file.write_text(assets.render(f"cluster/{template}", host=host, **self.values, **more))

    def run(self, host: Host, script: str, seconds: float = 60) -> str:
        return processes.run_in(self.lab, host.name, script, seconds)


def token(lab: Lab) -> str:
    """The lab's bootstrap token, made once: six and sixteen lower-case letters and digits."""
    kept = lab.state / "token"
    if not kept.exists():
        kept.touch(mode=0o600)
        kept.write_text(f"{secrets.token_hex(3)}.{secrets.token_hex(8)}")
    return kept.read_text()


def in_parallel(action: Callable[[Host], None], members: Iterable[Host]) -> None:
    """Do the action to every host at the same time; raises the first failure once all have ended."""
    with ThreadPoolExecutor(16) as pool:
        futures = [pool.submit(action, member) for member in members]
    for future in futures:
        future.result()


def furnish(cluster: Cluster, host: Host) -> None:
    """Put onto the host's disk what it needs before it is part of the cluster."""
    if host.name == ENDPOINT:
        cluster.put(host, "etc/haproxy/haproxy.cfg", "haproxy.cfg.j2")
    if host.pods is not None:
        cluster.put(host, "etc/cni/net.d/10-pods.conflist", "cni.conflist.j2")
    if host in cluster.control_planes:
        cluster.put(host, CONFIG, "kubeadm.yaml.j2", 0o600)


def switch_on(cluster: Cluster, host: Host, *units: str) -> None:
    """Enable the units and start them without waiting: their order is their own business."""
    names = " ".join(units)
    cluster.run(host, f"systemctl daemon-reload; systemctl enable -q {names}; systemctl start --no-block {names}")


def wait_for_api(cluster: Cluster, addresses: Iterable[IPv4Address]) -> None:
    """Return once /readyz is 200 at every address, with a certificate of the cluster's CA."""
    context = ssl.create_default_context(cafile=str(pki(cluster, cluster.first) / "ca.crt"))
    for address in addresses:

        def unready(address: IPv4Address = address) -> str:
            try:
                with urllib.request.urlopen(f"https://{address}:6443/readyz", timeout=2, context=context):
                    return ""
            except urllib.error.HTTPError as error:
                return f"HTTP {error.code}"
            except OSError as error:
                return str(error)

        wait_for(f"/readyz of the API server at {address}", READY_SECONDS, unready)


def pki(cluster: Cluster, host: Host) -> Path:
    return cluster.lab.root(host.name) / "etc/kubernetes/pki"
