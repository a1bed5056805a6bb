"""Inventories written to disk for a test, and the lines of what was written."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision import inventory
from k8snet_provision.problems import Origin, Problem
from k8snet_provision.topology import Cluster, read

HOSTS = """\
kube_control_plane:
  hosts:
    cp1: {ansible_host: 192.0.2.11}
    cp2: {ansible_host: 192.0.2.12}
    cp3: {ansible_host: 192.0.2.13}
etcd:
  hosts: {cp1: {}, cp2: {}, cp3: {}}
kube_node:
  hosts:
    w1: {ansible_host: 192.0.2.21}
    w2: {ansible_host: 192.0.2.22}
load_balancer:
  hosts:
    lb1: {ansible_host: 192.0.2.31}
ingress:
  hosts: {w1: {}, w2: {}}
bastion:
  hosts:
    gate: {ansible_host: 198.51.100.9}
"""

# Beside the inventory, where it is not read as one.
MANIFEST = ".files/metallb-native.yaml"
MANIFEST_TEXT = "kind: Namespace\n"

TOPOLOGY = """\
topology:
  service_cidr: 10.254.0.0/16
  pod_cidr: 10.244.0.0/16
  node_port_range: 30000-32767
  cluster_domain: cluster.local
  control_plane:
    kind: systemd
  kube_proxy:
    mode: nftables
    nftables: {masquerade_all: false}
  dns:
    address: 10.254.0.10
    upstreams: [192.0.2.53]
    stub_domains:
      corp.example: [192.0.2.54]
    hosts:
      192.0.2.80: [registry.corp.example]
    replicas: 2
  images:
    mirrors: {registry.k8s.io: "registry.corp:5000/k8s"}
  vips: [192.0.2.100]
  metallb:
    manifest: .files/metallb-native.yaml
    sha256: SHA256
    pools:
      - addresses: [192.0.2.200-192.0.2.220]
""".replace("SHA256", hashlib.sha256(MANIFEST_TEXT.encode()).hexdigest())


@dataclass(frozen=True)
class Written:
    """An inventory directory; `line` finds what was written."""

    path: Path

    def read(self) -> tuple[Cluster | None, tuple[Problem, ...]]:
        return read(inventory.load(self.path))

    def cluster(self) -> Cluster:
        cluster, problems = self.read()
        assert cluster is not None, problems
        return cluster

    def problems(self) -> list[Problem]:
        return list(self.read()[1])

    def line(self, text: str, file: str = "group_vars/all/topology.yml") -> Origin:
        """Where the only line is that holds `text`."""
        lines = (self.path / file).read_text().splitlines()
        (number,) = (number for number, line in enumerate(lines, 1) if text in line)
        return Origin(str(self.path / file), number)

    def host_line(self, text: str) -> Origin:
        return self.line(text, "hosts.yml")


def write(path: Path, topology: str = TOPOLOGY, hosts: str = HOSTS) -> Written:
    (path / "group_vars/all").mkdir(parents=True)
    (path / "group_vars/all/topology.yml").write_text(topology)
    (path / "hosts.yml").write_text(hosts)
    (path / MANIFEST).parent.mkdir()
    (path / MANIFEST).write_text(MANIFEST_TEXT)
    return Written(path)


def replaced(text: str, *changes: tuple[str, str]) -> str:
    """The text with each passage, which is there exactly once, replaced."""
    for old, new in changes:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text
