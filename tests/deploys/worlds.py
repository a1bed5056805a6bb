"""Worlds for tests of deploys/: a cluster as wanted, and hosts and objects as their probes would answer."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from k8snet_provision import inventory
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.observe import Observation
from k8snet_provision.resources.probe import HostSeen, Seen, State
from k8snet_provision.seen import World
from k8snet_provision.topology import read

HOSTS = """\
kube_control_plane:
  hosts:
    cp1: {ansible_host: 192.0.2.11}
kube_node:
  hosts:
    w1: {ansible_host: 192.0.2.21}
"""

ABSENT = Seen(State.ABSENT)


def present(text: str | bytes) -> Seen:
    return Seen(State.PRESENT, text if isinstance(text, bytes) else text.encode())


def unknown(why: str) -> Seen:
    return Seen(State.UNKNOWN, why=why)


def sent(path: str, content: str | bytes, mode: str = "644") -> bytes:
    """A file in the frame of `send_file`."""
    data = content.encode() if isinstance(content, str) else content
    return f"{mode} root root {len(data)} {len(path)}\n{path}".encode() + data + b"\n"


def a_world(
    directory: Path,
    topology: str,
    hosts: Mapping[str, Mapping[str, Seen]] | None = None,
    state: ClusterState | None = None,
    told: Sequence[str] = (),
) -> World:
    """Written below `directory`. `topology` is YAML below that variable; `hosts` the answers by host and probe key.

    `told`: as of `topology.read`.
    """
    directory = directory / "inventory"
    variables = directory / "group_vars" / "all"
    variables.mkdir(parents=True, exist_ok=True)
    (directory / "hosts.yml").write_text(HOSTS)
    body = "".join(f"  {line}\n" for line in topology.strip().splitlines())
    (variables / "topology.yml").write_text(f"topology:\n{body}")
    cluster, problems = read(inventory.load(directory), told)
    assert cluster is not None, problems
    seen = {host: HostSeen(host, dict(answers)) for host, answers in (hosts or {}).items()}
    return World(cluster, Observation(seen, {}), state or ClusterState(None, "not asked"))


def a_state(
    *,
    services: Sequence[Mapping[str, Any]] = (),
    service_cidrs: Sequence[Mapping[str, Any]] | None = (),
    objects: Sequence[Mapping[str, Any]] = (),
    pods: Sequence[str] = (),
    owned: Sequence[Mapping[str, Any]] = (),
    nodes: Sequence[Mapping[str, Any]] = (),
    version: str = "v1.36.3",
    said: Mapping[str, Seen] | None = None,
) -> ClusterState:
    def items(found: Sequence[Mapping[str, Any]]) -> Seen:
        return present(json.dumps({"items": list(found)}))

    answers = {
        "cluster:version": present(json.dumps({"gitVersion": version})),
        "cluster:nodes": items(nodes),
        "cluster:services": items(services),
        "cluster:servicecidrs": ABSENT if service_cidrs is None else items(service_cidrs),
        "cluster:objects": items(objects),
        "cluster:owned": items(owned),
        "cluster:pods": present("".join(f"{line}\n" for line in pods)),
        **(said or {}),
    }
    return ClusterState(HostSeen("cp1", answers), reader="cp1")


def a_service(namespace: str, name: str, address: str, *more: str, **meta: Any) -> dict[str, Any]:
    families = ["IPv6" if ":" in a else "IPv4" for a in (address, *more)]
    return {
        "apiVersion": "v1",
        "kind": "Service",
        "metadata": {"name": name, "namespace": namespace, "resourceVersion": "17", **meta},
        "spec": {
            "clusterIP": address,
            "clusterIPs": [address, *more],
            "ipFamilies": families,
            "ipFamilyPolicy": "PreferDualStack" if more else "SingleStack",
            "ports": [{"port": 53, "protocol": "UDP", "targetPort": 53}],
            "selector": {"k8s-app": name},
        },
    }


def a_service_cidr(name: str, *cidrs: str, **meta: Any) -> dict[str, Any]:
    return {
        "metadata": {"name": name, "resourceVersion": "5", **meta},
        "spec": {"cidrs": list(cidrs)},
        "status": {"conditions": [{"type": "Ready", "status": "True"}]},
    }
