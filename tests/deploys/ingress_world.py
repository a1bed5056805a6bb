"""Clusters with ways in for tests: one control plane that is no node, two nodes, two edge hosts."""

from __future__ import annotations

import hashlib
import json
from base64 import b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8snet_provision import assets, inventory, planning
from k8snet_provision.capability import Phase
from k8snet_provision.ingress import controller, observed, ports
from k8snet_provision.ingress.paths import NODE_LABEL, ROWS
from k8snet_provision.observe import Observation
from k8snet_provision.plan import Plan
from k8snet_provision.resources.kube_object import Manifest, without_noise
from k8snet_provision.resources.probe import HostSeen, Seen
from k8snet_provision.seen import World
from k8snet_provision.topology import read
from tests.deploys.worlds import ABSENT, a_service, a_state, present

HOSTS = """\
all:
  hosts:
    cp1: {ansible_host: 192.0.2.11}
    n1: {ansible_host: 192.0.2.21}
    n2: {ansible_host: 192.0.2.22}
    lb1: {ansible_host: 192.0.2.31}
    lb2: {ansible_host: 192.0.2.32}
  children:
    kube_control_plane: {hosts: {cp1: }}
    kube_node: {hosts: {n1: , n2: }}
    ingress: {hosts: {n1: , n2: }}
    load_balancer: {hosts: {lb1: , lb2: }}
"""

TOPOLOGY = """\
service_cidr: 10.254.0.0/16
metallb:
  manifest: metallb-native.yaml
  sha256: "{sha}"
  pools: [{{addresses: [192.0.2.200-192.0.2.220]}}]
edge: {{vip: 192.0.2.101}}
"""

MODULES = ("ingress_nodes", "ingress_nginx", "ingress_admission", "ingress_traffic", "ingress_retired")
SITE = tuple(Phase(assets.deploy_module(name).CAPABILITY) for name in MODULES)

PATTERNS = tuple(ROWS)


def a_node(name: str, address: str, **labels: str) -> Manifest:
    return {
        "apiVersion": "v1",
        "kind": "Node",
        "metadata": {"name": name, "labels": {"kubernetes.io/os": "linux", **labels}},
        "spec": {"podCIDRs": [f"10.244.{address[-1]}.0/24"]},
        "status": {"addresses": [{"type": "InternalIP", "address": address}]},
    }


def an_ingress(name: str = "app", host: str = "app.example.com", status: str = "", **spec: Any) -> Manifest:
    backend = {"service": {"name": name, "port": {"number": 80}}}
    rule = {"host": host, "http": {"paths": [{"path": "/", "pathType": "Prefix", "backend": backend}]}}
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "Ingress",
        "metadata": {"name": name, "namespace": "demo"},
        "spec": {"ingressClassName": "nginx", "rules": [rule], **spec},
        "status": {"loadBalancer": {"ingress": [{"ip": status}]} if status else {}},
    }


@dataclass
class Scene:
    """What is wanted and what is there. `ingress` is YAML below topology.ingress."""

    ingress: str = "pattern: load_balancer"
    objects: Sequence[Manifest] = ()
    owned: Sequence[Manifest] = ()
    ingresses: Sequence[Manifest] = ()
    foreign: Sequence[Manifest] = ()
    services: Sequence[Manifest] = ()
    pods: Sequence[str] = ()
    listeners: Mapping[str, str] = field(default_factory=dict)
    certificate: Seen = ABSENT
    nodes: Sequence[Manifest] = (a_node("n1", "192.0.2.21"), a_node("n2", "192.0.2.22"))
    hosts: str = HOSTS

    def world(self, tmp: Path) -> World:
        directory = tmp / "inventory"
        variables = directory / "group_vars" / "all"
        variables.mkdir(parents=True, exist_ok=True)
        (directory / "metallb-native.yaml").touch()
        (directory / "hosts.yml").write_text(self.hosts)
        text = TOPOLOGY.format(sha=hashlib.sha256(b"").hexdigest())
        if self.ingress:
            text += "ingress:\n" + "".join(f"  {line}\n" for line in self.ingress.strip().splitlines())
        (variables / "topology.yml").write_text("topology:\n" + "".join(f"  {line}\n" for line in text.splitlines()))
        cluster, problems = read(inventory.load(directory))
        assert cluster is not None, problems
        answers = {host: {ports.KEY: present(self.listeners.get(host, ""))} for host in cluster.addresses}
        said = {
            observed.INGRESSES: present(json.dumps({"items": list(self.ingresses)})),
            observed.FOREIGN: present(json.dumps({"items": list(self.foreign)})),
            observed.CERTIFICATE: self.certificate,
        }
        seen = {host: HostSeen(host, found) for host, found in answers.items()}
        state = a_state(
            objects=[*self.objects, *self.owned],
            owned=self.owned,
            nodes=self.nodes,
            pods=self.pods,
            services=[a_service("default", "kubernetes", "10.254.0.1"), *self.services],
            said=said,
        )
        return World(cluster, Observation(seen, {}), state)

    def plan(self, tmp: Path) -> Plan:
        world = self.world(tmp)
        return planning.make(SITE, world, [member.name for member in world.cluster.members], 0.0)


def there(tmp: Path, pattern: str, extra: str = "") -> list[Manifest]:
    """The objects of a way in as a server would hold them."""
    scene = Scene(f"pattern: {pattern}\n{extra}")
    found = [without_noise(manifest) for manifest in controller.objects(scene.world(tmp / f"made-{pattern}"))]
    for number, item in enumerate(found):
        item["metadata"]["resourceVersion"] = str(number + 1)
    return found


def certificate_of(bundle: str, certificate: str, now: int) -> Seen:
    """The Secret's public side as the control-plane host prints it."""
    words = (str(now), *(b64encode(text.encode()).decode() for text in (bundle, certificate)))
    return present(" ".join(words))


LABELLED = tuple(
    a_node(name, address, **{NODE_LABEL: "true"}) for name, address in (("n1", "192.0.2.21"), ("n2", "192.0.2.22"))
)
