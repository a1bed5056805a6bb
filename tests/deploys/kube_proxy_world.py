"""A cluster of two nodes as the tool sees it, in which kube-proxy runs in one way or another."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.observe import Observation
from k8snet_provision.resources import module, sysctl
from k8snet_provision.resources.probe import HostSeen, Seen, State
from k8snet_provision.seen import World
from tests.kube_proxy.configuration import CONFIG, configz
from tests.topology.written import HOSTS, write

ABSENT = Seen(State.ABSENT)
CONFIG_PATH = "/etc/kubernetes/kube-proxy.yaml"


def present(text: str) -> Seen:
    return Seen(State.PRESENT, text.encode())


def pod_process(options: str = configz(), mode: str = "iptables") -> Seen:
    """kube-proxy in a container of the host."""
    head = "pid=812\npids=812\nprogram=/usr/local/bin/kube-proxy\nconfig=/var/lib/kube-proxy/config.conf\n"
    return present(f"{head}mode={mode}\nconfigz={options}\n\n")


def unit_process(text: str = CONFIG, options: str = configz(), mode: str = "iptables", extra: str = "") -> Seen:
    """kube-proxy as a unit, with its configuration file."""
    head = f"unit=active\nenabled=enabled\npid=77\npids=77{extra}\nprogram=/usr/bin/kube-proxy\nconfig={CONFIG_PATH}\n"
    frame = f"644 root root {len(text)} {len(CONFIG_PATH)}\n{CONFIG_PATH}{text}\n"
    return present(f"{head}mode={mode}\nconfigz={options}\n\n{frame}")


NOTHING_RUNS = present("pid=\npids=\nprogram=\nconfig=\n\n")

MODULES = ("ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "ip_vs_lc", "nf_conntrack", "dummy", "nf_tables")


def answers(live: Seen, **others: Seen) -> dict[str, Seen]:
    """One host's answers; a modern kernel that has everything, loaded or to be loaded."""
    usual = {
        "kube-proxy": live,
        "kube-proxy:rules": present("chain KUBE-FIREWALL 2\nchain KUBE-SERVICES 4\nchain KUBE-SVC-* 4\n"),
        "kube-proxy:lvs": ABSENT,
        "kube-proxy:nft": present("usable\n"),
        "sysctl:kernel.osrelease": present("6.1.0-40-amd64\n"),
        "sysctl:net.ipv4.ip_forward": present("1\n"),
        f"file:{sysctl.KEPT_IN}": ABSENT,
        f"file:{module.KEPT_IN}": ABSENT,
        **{f"module:{name}": present("loaded\n") for name in MODULES},
        **{f"program:{name}": present(f"/usr/sbin/{name}\n") for name in ("iptables", "ipset", "nft")},
    }
    return usual | {key.replace("__", ":").replace("_DOT_", "."): seen for key, seen in others.items()}


@dataclass(frozen=True)
class Scene:
    """What the hosts w1 and w2 answer, and whether there is a DaemonSet."""

    hosts: Mapping[str, Mapping[str, Seen]]
    daemonset: bool = True
    config: str = CONFIG
    pods: tuple[str, ...] = ("w1", "w2")
    extra_nodes: tuple[Mapping[str, Any], ...] = field(default=())

    def world(self, folder: Path, kube_proxy: str = "mode: nftables") -> World:
        """The scene with the topology's `kube_proxy` as given, in YAML; empty: the topology leaves it out."""
        section = f"  kube_proxy: {{{kube_proxy}}}\n" if kube_proxy else ""
        text = f"topology:\n  service_cidr: 10.254.0.0/16\n{section}"
        cluster = write(Path(mkdtemp(dir=folder)), text, HOSTS).cluster()
        seen = {host: HostSeen(host, given) for host, given in self.hosts.items()}
        return World(cluster, Observation(seen, {}), ClusterState(HostSeen("cp1", self._cluster()), reader="cp1"))

    def _cluster(self) -> dict[str, Seen]:
        nodes = [{"metadata": {"name": name}, "status": {}} for name in ("w1", "w2")] + list(self.extra_nodes)
        rows = [f"uid-{host} kube-system kube-proxy-{host} DaemonSet kube-proxy {host}" for host in self.pods]
        return {
            "cluster:nodes": present(json.dumps({"items": nodes})),
            "cluster:pods": present("\n".join(rows)),
            "cluster:services": present(json.dumps({"items": [KUBERNETES]})),
            "cluster:version": present('{"gitVersion": "v1.36.3"}'),
            "cluster:owned": present('{"items": []}'),
            "cluster:objects": present(json.dumps({"items": self._objects() if self.daemonset else []})),
        }

    def _objects(self) -> list[dict[str, Any]]:
        labels = {"matchLabels": {"k8s-app": "kube-proxy"}}
        meta = {"name": "kube-proxy", "namespace": "kube-system", "resourceVersion": "41"}
        data = {"config.conf": self.config, "kubeconfig.conf": "apiVersion: v1\n"}
        return [
            {"apiVersion": "apps/v1", "kind": "DaemonSet", "metadata": meta, "spec": {"selector": labels}},
            {"apiVersion": "v1", "kind": "ConfigMap", "metadata": meta, "data": data},
        ]


KUBERNETES = {"metadata": {"name": "kubernetes", "namespace": "default"}, "spec": {"clusterIP": "10.96.0.1"}}


def pods(live: Seen | None = None, **others: Seen) -> Scene:
    """Both nodes run the DaemonSet's pod in the same way."""
    given = answers(live or pod_process(), **others)
    return Scene({"w1": given, "w2": given})


def units(live: Seen | None = None, **others: Seen) -> Scene:
    """Both nodes run kube-proxy as a unit in the same way."""
    given = answers(live or unit_process(), **others)
    return Scene({"w1": given, "w2": given}, daemonset=False)
