"""Random valid edits of a topology: what an operator might change next, drawn from a seed."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Any

Topology = dict[str, Any]

START: Topology = {
    "service_cidr": "10.96.0.0/16",
    "pod_cidr": "10.244.0.0/16",
    "cluster_domain": "cluster.local",
    "kube_proxy": {"mode": "iptables"},
    "dns": {"replicas": 1, "ttl": 30, "pod_disruption_budget": True, "spread": "preferred"},
    "services": [],
}


@dataclass(frozen=True)
class Edit:
    """What is done to the topology in place; how often it is drawn, against the others; what it is called."""

    name: str
    weight: int
    make: Callable[[Random, Topology], None]


def _set(section: str, key: str, *values: Any) -> Callable[[Random, Topology], None]:
    """One key gets another of `values`; None takes it out."""

    def make(random: Random, topology: Topology) -> None:
        *path, last = (*section.split("."), key) if section else (key,)
        place = topology
        for name in path:
            place = place.setdefault(name, {})
        chosen = random.choice([value for value in values if value != place.get(last)])
        if chosen is None:
            place.pop(last, None)
        else:
            place[last] = copy.deepcopy(chosen)

    return make


def _mode(random: Random, topology: Topology) -> None:
    proxy = topology["kube_proxy"]
    proxy["mode"] = "nftables" if proxy["mode"] == "iptables" else "iptables"


def _move_dns(random: Random, topology: Topology) -> None:
    prefix = topology["service_cidr"].rpartition(".0.0/")[0]
    topology["dns"]["address"] = f"{prefix}.0.{random.choice([10, 20, 53])}"


def _move_range(random: Random, topology: Topology) -> None:
    """Refused while Services of the catalogue have addresses of the old range (K8N311)."""
    if any(not entry.get("headless") and entry.get("type") != "ExternalName" for entry in topology["services"]):
        return
    topology["dns"].pop("address", None)
    _set("", "service_cidr", "10.96.0.0/16", "10.97.0.0/16", "10.254.0.0/16")(random, topology)


def _more_services(random: Random, topology: Topology) -> None:
    taken = {entry["name"] for entry in topology["services"]}
    free = [name for name in (f"shop{number}" for number in range(8)) if name not in taken]
    if free:
        topology["services"].append(_service(random, random.choice(free)))


def _service(random: Random, name: str) -> Topology:
    entry: Topology = {"name": name}
    match random.choice(["plain", "plain", "node port", "headless", "endpoints", "external"]):
        case "plain":
            entry |= {"selector": {"app": name}, "ports": _ports(random)}
        case "node port":
            number = 30100 + int(name.removeprefix("shop"))
            entry |= {"type": "NodePort", "selector": {"app": name}, "ports": [{"port": 80, "node_port": number}]}
        case "headless":
            entry |= {"headless": True, "selector": {"app": name}, "ports": _ports(random)}
        case "endpoints":
            addresses = [f"192.0.2.{number}" for number in random.sample(range(10, 20), random.randint(1, 3))]
            entry |= {"endpoints": addresses, "ports": [{"port": 443, "target_port": 8443}]}
        case "external":
            entry |= {"type": "ExternalName", "external_name": f"{name}.corp.example"}
    return entry


def _ports(random: Random) -> list[Topology]:
    ports: list[Topology] = [{"port": random.choice([80, 8080]), "target_port": random.choice([8080, "http"])}]
    if random.random() < 0.4:
        ports = [{**ports[0], "name": "http"}, {"name": "names", "port": 53, "protocol": "UDP"}]
    return ports


def _fewer_services(random: Random, topology: Topology) -> None:
    if topology["services"]:
        topology["services"].remove(random.choice(topology["services"]))


def _another_service(random: Random, topology: Topology) -> None:
    """An entry of the catalogue gets a label, an annotation or affinity, or is something else altogether."""
    if not topology["services"]:
        return _more_services(random, topology)
    place = random.randrange(len(topology["services"]))
    entry = topology["services"][place]
    match random.choice(["labels", "annotations", "affinity", "anew"]):
        case "labels":
            entry["labels"] = {"team": random.choice(["red", "blue", "1.0_x"])}
        case "annotations":
            entry["annotations"] = {"example.org/note": random.choice(["a b", 'it\'s $(no) "shell"', "é\nline"])}
        case "affinity" if entry.get("type") != "ExternalName":
            entry["session_affinity"] = not entry.get("session_affinity", False)
        case _:
            topology["services"][place] = _service(random, entry["name"])
    return None


EXTRA = "extra.example:53 {\n    hosts {\n        192.0.2.99 one.extra.example\n    }\n}\n"
FIXED_NAMES = ({"192.0.2.80": ["a.corp.test"]}, {"192.0.2.81": ["b.corp.test", "c.corp.test"]})
STUB_DOMAINS = ({"corp.example": ["192.0.2.53"]}, {"corp.example": ["192.0.2.54:5353"]})

EDITS = (
    Edit("kube-proxy's mode", 4, _mode),
    Edit("iptables: time between updates", 2, _set("kube_proxy.iptables", "min_sync_period", "1s", "2s", "500ms")),
    Edit("iptables: NodePorts on 127.0.0.1", 1, _set("kube_proxy.iptables", "localhost_node_ports", False, True)),
    Edit("nftables: time between updates", 2, _set("kube_proxy.nftables", "min_sync_period", "1s", "2s", "500ms")),
    Edit("nftables: masquerade all", 1, _set("kube_proxy.nftables", "masquerade_all", False, True)),
    Edit("conntrack: TCP be liberal", 1, _set("kube_proxy.conntrack", "tcp_be_liberal", True, False)),
    Edit("kube-proxy's health port", 1, _set("kube_proxy", "healthz_bind_address", "0.0.0.0:10256", "0.0.0.0:10266")),
    Edit("DNS: TTL", 3, _set("dns", "ttl", 5, 17, 30, 60)),
    Edit("DNS: cache", 2, _set("dns", "cache", {"positive": 30, "negative": 5}, {"positive": 60, "negative": 9}, None)),
    Edit("DNS: replicas", 2, _set("dns", "replicas", 1, 2, 3)),
    Edit("DNS: fixed names", 3, _set("dns", "hosts", *FIXED_NAMES, None)),
    Edit("DNS: stub domains", 2, _set("dns", "stub_domains", *STUB_DOMAINS, None)),
    Edit("DNS: upstreams", 1, _set("dns", "upstreams", ["192.0.2.1"], ["192.0.2.1", "192.0.2.2"], None)),
    Edit("DNS: disruption budget", 2, _set("dns", "pod_disruption_budget", True, False)),
    Edit("DNS: spread", 1, _set("dns", "spread", "preferred", "none")),
    Edit("DNS: a server block", 1, _set("dns", "extra_server_blocks", EXTRA, None)),
    Edit("one Service more", 6, _more_services),
    Edit("one Service less", 3, _fewer_services),
    Edit("another Service", 4, _another_service),
    Edit("DNS: address (kubelets)", 2, _move_dns),
    Edit("range of NodePorts (apiserver)", 1, _set("", "node_port_range", "30000-32000", "30000-32767")),
    Edit("service range", 1, _move_range),
)  # fmt: skip


def edited(random: Random, topology: Topology) -> tuple[list[str], Topology]:
    """One to three edits by name, those that made a difference, and the topology after them, which is another one."""
    for _ in range(100):
        after, names = copy.deepcopy(topology), []
        drawn = random.choices(EDITS, [edit.weight for edit in EDITS], k=random.choice([1, 1, 1, 2, 3]))
        for edit in sorted(set(drawn), key=EDITS.index):
            was = copy.deepcopy(after)
            edit.make(random, after)
            names += [edit.name] if after != was else []
        if after != topology:
            return names, after
    raise AssertionError("no edit made another topology")
