"""Worlds with two hosts of load_balancer, as their probes would answer."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from k8snet_provision import inventory
from k8snet_provision.edge import haproxy, keepalived, observed
from k8snet_provision.ingress.paths import OWNER, PATTERN_LABEL
from k8snet_provision.observe import Observation
from k8snet_provision.resources import listener, sysctl
from k8snet_provision.resources.kube_object import owned_by
from k8snet_provision.resources.probe import HostSeen, Seen
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster, read
from tests.deploys.worlds import ABSENT, a_state, present, sent

VIP = "192.0.2.100"
MACS = {"lb1": "02:00:00:00:00:01", "lb2": "02:00:00:00:00:02"}

HOSTS = """\
kube_control_plane:
  hosts:
    cp1: {ansible_host: 192.0.2.11}
kube_node:
  hosts:
    w1: {ansible_host: 192.0.2.21}
    w2: {ansible_host: 192.0.2.22}
ingress:
  hosts:
    w2:
load_balancer:
  hosts:
    lb1: {ansible_host: 192.0.2.31}
    lb2: {ansible_host: 192.0.2.32}
"""

TOPOLOGY = """\
service_cidr: 10.254.0.0/16
pod_cidr: 10.244.0.0/16
edge: {vip: 192.0.2.100}
"""
NODE_PORT = f"{TOPOLOGY}ingress: {{pattern: node_port}}\n"


def a_cluster(directory: Path, topology: str = NODE_PORT, hosts: str = HOSTS) -> Cluster:
    variables = directory / "inventory" / "group_vars" / "all"
    variables.mkdir(parents=True, exist_ok=True)
    (directory / "inventory" / "hosts.yml").write_text(hosts)
    body = "".join(f"  {line}\n" for line in topology.strip().splitlines())
    (variables / "topology.yml").write_text(f"topology:\n{body}")
    cluster, problems = read(inventory.load(directory / "inventory"))
    assert cluster is not None, problems
    return cluster


def network(*addresses: str, device: str = "eth0") -> Seen:
    """What a host says of itself, of one device with these addresses."""
    rows = [address.split("/") for address in addresses]
    info = [{"local": ip, "prefixlen": int(length)} for ip, length in rows]
    facts = {"addresses": json.dumps([{"ifname": device, "addr_info": info}]), "kernel": "6.1.0-28-amd64"}
    return present("".join(f"{key}\t{value}\n" for key, value in facts.items()))


def a_unit(active: str = "active", enabled: str = "enabled") -> Seen:
    return present(f"LoadState=loaded\nActiveState={active}\nUnitFileState={enabled}\nMainPID=7\nArgv=\n\n")


def answers(host: str, **other: Seen) -> dict[str, Seen]:
    """A host with the programs, before anything was changed. `other` by short names: see below."""
    number = 30 + int(host[-1])
    found = {
        "network": network(f"192.0.2.{number}/24"),
        "haproxy": ABSENT,
        "keepalived": ABSENT,
        "haproxy_unit": a_unit("inactive", "disabled"),
        "keepalived_unit": a_unit("inactive", "disabled"),
        "haproxy_package": present("here\n"),
        "keepalived_package": present("here\n"),
        "bind": present("0\n"),
        "kept": ABSENT,
        "listeners": present(""),
        "neighbours": present(""),
        "state": present(f"running=\nmacs={MACS[host]} \n"),
    }
    keys = {
        "network": observed.NETWORK,
        "haproxy": f"file:{haproxy.PATH}",
        "keepalived": f"file:{keepalived.PATH}",
        "haproxy_unit": "unit:haproxy",
        "keepalived_unit": "unit:keepalived",
        "haproxy_package": "package:haproxy",
        "keepalived_package": "package:keepalived",
        "bind": f"sysctl:{observed.NONLOCAL[4]}",
        "kept": f"file:{sysctl.KEPT_IN}",
        "listeners": listener.KEY,
        "neighbours": observed.VIP_MACS,
        "state": observed.STATE,
    }
    return {keys[name]: seen for name, seen in (found | other).items()}


def a_world(
    directory: Path,
    topology: str = NODE_PORT,
    seen: Mapping[str, Mapping[str, Seen]] | None = None,
    unreached: tuple[str, ...] = (),
    live: tuple[str, ...] = (),
) -> World:
    """`seen`: what differs from a fresh host, by host and short name; `live`: patterns whose workload is there."""
    hosts = {
        host: HostSeen(host, answers(host, **(seen or {}).get(host, {})))
        for host in ("lb1", "lb2")
        if host not in unreached
    }
    state = a_state(owned=[_workload(pattern) for pattern in live])
    return World(a_cluster(directory, topology), Observation(hosts, dict.fromkeys(unreached, "off")), state)


def _workload(pattern: str) -> dict[str, Any]:
    kind = "DaemonSet" if pattern == "host_network" else "Deployment"
    meta = {"name": f"ingress-nginx-{pattern}", "namespace": "ingress-nginx", "labels": {PATTERN_LABEL: pattern}}
    return owned_by(OWNER, {"apiVersion": "apps/v1", "kind": kind, "metadata": meta})


def settled(haproxy_text: str, keepalived_text: str, **other: Seen) -> dict[str, Seen]:
    """A host that runs by these files."""
    return {
        "haproxy": present(sent(haproxy.PATH, haproxy_text)),
        "keepalived": present(sent(keepalived.PATH, keepalived_text)),
        "haproxy_unit": a_unit(),
        "keepalived_unit": a_unit(),
        "bind": present("1\n"),
        "listeners": present(f'LISTEN 0 9 {VIP}:80 0.0.0.0:* users:(("haproxy",pid=9,fd=7))\n'),
        "state": present(f"running={haproxy.mark(haproxy_text)}\nloaded=50\nuntouched=50\nmacs=\n"),
        **other,
    }


def with_topology(world: World, directory: Path, topology: str) -> World:
    """The same hosts with another topology."""
    return replace(world, cluster=a_cluster(directory, topology))
