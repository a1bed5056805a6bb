"""K8N16x: the pattern of ingress-nginx, what it needs, and its controller's settings."""

from __future__ import annotations

from collections.abc import Iterator
from decimal import Decimal

from k8snet_provision.inventory import Code
from k8snet_provision.problems import Problem, Severity

from .cluster import Cluster
from .ingress import Ingress
from .shown import shown

EDGE_PATTERNS = {"node_port": "ingress.pattern node_port", "host_network": "ingress.host_network.behind_edge"}

# What the pattern decides, and what is a flag of the controller rather than an option of its ConfigMap.
OWN_OPTIONS = {
    "use-proxy-protocol": "follows from the pattern",
    "proxy-real-ip-cidr": "follows from the hosts in load_balancer",
    "publish-service": "follows from the pattern",
    "publish-status-address": "follows from the pattern",
    "report-node-internal-ip-address": "follows from the pattern",
    "default-ssl-certificate": "is ingress.default_certificate",
    "default-backend-service": "is ingress.default_backend",
    "ingress-class": "is ingress.class_name",
    "controller-class": "follows from ingress.class_name",
    "election-id": "is the same for all patterns",
}
_FORWARDED = "use-forwarded-headers"
# A hostNetwork controller's own ports on the node, which its clients reach.
CONTROLLER_PORTS = (80, 443, 8181, 8443, 10254)
_POWERS = {"k": 1, "K": 1, "M": 2, "G": 3, "T": 4}


def pattern_lacks_its_hosts(cluster: Cluster) -> Iterator[Problem]:
    """K8N160: node_port and behind_edge need the edge and its hosts, host_network nodes in the group ingress."""
    ingress = cluster.topology.ingress
    if ingress is None:
        return
    where = cluster.origin("ingress", "pattern")
    if any(item.code == Code.DUPLICATE_KEY and item.where == where for item in cluster.inventory.warnings):
        expected = "load_balancer, node_port or host_network, once"
        yield Problem("K8N160", "ingress.pattern is written twice", where, ingress.pattern, expected)
    if ingress.behind_edge:
        who = EDGE_PATTERNS[ingress.pattern]
        if cluster.topology.edge is None and cluster.wrote("edge") is None:
            yield _lacks(cluster, f"{who} needs the section edge", "edge: {vip: ADDRESS}")
        if not cluster.load_balancers:
            yield _lacks(cluster, f"{who} needs hosts in the group load_balancer", "one host or better two")
    if ingress.pattern == "host_network" and not cluster.ingress:
        text = "ingress.pattern host_network needs hosts in the group ingress"
        yield _lacks(cluster, text, "nodes that hold ports 80 and 443")


def _lacks(cluster: Cluster, text: str, expected: str) -> Problem:
    pattern = cluster.topology.ingress.pattern if cluster.topology.ingress else ""
    where = cluster.origin("ingress", "pattern")
    return Problem("K8N160", text, where, pattern, expected, "or choose another pattern")


def nothing_gives_addresses(cluster: Cluster) -> bool:
    """True without MetalLB; a section that could not be read is one all the same."""
    return cluster.topology.metallb is None and cluster.wrote("metallb") is None


def nothing_gives_the_address(cluster: Cluster) -> Iterator[Problem]:
    """K8N161: without MetalLB a Service of type LoadBalancer waits for an address, unless something else gives it."""
    ingress = cluster.topology.ingress
    if ingress is not None and ingress.pattern == "load_balancer" and nothing_gives_addresses(cluster):
        yield Problem(
            "K8N161",
            "ingress.pattern load_balancer gets an address only if something else in the cluster gives it",
            cluster.origin("ingress", "pattern"),
            "no section metallb",
            "metallb with a pool",
            "fine where another load balancer controller runs",
            Severity.WARNING,
        )


def option_is_not_the_operators(cluster: Cluster) -> Iterator[Problem]:
    """K8N162: options that follow from the topology; and one that lets clients write their own address."""
    config = cluster.topology.ingress.config if cluster.topology.ingress else {}
    for key in config:
        where = cluster.origin("ingress", "config", key)
        if key in OWN_OPTIONS:
            text = f"ingress.config.{key} {OWN_OPTIONS[key]}"
            yield Problem("K8N162", text, where, shown(config[key]), "another option", "take it out")
        elif key == _FORWARDED and config[key].strip().lower() == "true":
            text = f"ingress.config.{key}: every client can claim any address as its own (X-Forwarded-For)"
            hint = "only safe where no client reaches the controller but through a proxy that sets the header"
            yield Problem("K8N162", text, where, "true", "false", hint, Severity.WARNING)


def settings_let_no_pod_run(cluster: Cluster) -> Iterator[Problem]:
    """K8N167: settings that the API server refuses or that fit no node."""
    ingress = cluster.topology.ingress
    if ingress is None:
        return
    yield from _selector(cluster, ingress)
    for index, toleration in enumerate(ingress.tolerations):
        where = cluster.origin("ingress", "tolerations", index)
        if toleration.operator == "Exists" and toleration.value is not None:
            text = "a toleration with operator Exists has a value"
            yield Problem("K8N167", text, where, toleration.value, "operator: Equal, or no value")
        if toleration.operator == "Equal" and toleration.key is None:
            yield Problem("K8N167", "a toleration with operator Equal has no key", where, expected="key")
    for name, limit in ingress.resources.limits.items():
        wanted = ingress.resources.requests.get(name)
        if wanted is not None and amount(wanted) > amount(limit):
            where = cluster.origin("ingress", "resources", "limits", name)
            text = f"ingress.resources.limits.{name} is below what is requested"
            yield Problem("K8N167", text, where, limit, f"{wanted} or more")


def _selector(cluster: Cluster, ingress: Ingress) -> Iterator[Problem]:
    names = {*cluster.nodes, *cluster.control_planes}
    for key, value in ingress.node_selector.items():
        where = cluster.origin("ingress", "node_selector", key)
        if key.startswith("k8snet-provision/"):
            text = f"ingress.node_selector has {key}, which the pattern host_network sets itself"
            yield Problem("K8N167", text, where, value, "a label of the operator's")
        elif key == "kubernetes.io/os" and value != "linux":
            yield Problem("K8N167", "ingress.node_selector: the controller runs on Linux only", where, value, "linux")
        elif key == "kubernetes.io/hostname" and value not in names:
            text = "ingress.node_selector names a host that is no node"
            yield Problem("K8N167", text, where, value, f"one of {', '.join(sorted(names)[:5])}")


def amount(quantity: str) -> Decimal:
    """A quantity of the API as a number: 100m is 0.1, 1Ki is 1024."""
    digits = quantity.rstrip("mkKMGTi")
    unit = quantity[len(digits) :]
    if unit == "m":
        return Decimal(digits) / 1000
    base = Decimal(1024 if unit.endswith("i") else 1000)
    return Decimal(digits) * base ** _POWERS.get(unit[:1], 0)


def default_backend_cannot_answer(cluster: Cluster) -> Iterator[Problem]:
    """K8N168: the controller sends what no rule matches to the first port of that Service's endpoints."""
    ingress = cluster.topology.ingress
    wanted = ingress.default_backend if ingress else None
    for service in cluster.topology.services or ():
        if wanted is None or (service.namespace, service.name) != (wanted.namespace, wanted.name):
            continue
        if service.type == "ExternalName" or not service.ports:
            where = cluster.origin("ingress", "default_backend")
            text = f"ingress.default_backend is {wanted.namespace}/{wanted.name}, which has no port"
            yield Problem("K8N168", text, where, service.type, "a Service with a port and pods")


def host_is_an_edge_host(cluster: Cluster) -> Iterator[Problem]:
    """K8N169: HAProxy and the controller on the host network would want the same ports of one host."""
    ingress, edge = cluster.topology.ingress, cluster.topology.edge
    if ingress is None or edge is None or ingress.pattern != "host_network":
        return
    shared = {edge.http_port, edge.https_port} & set(CONTROLLER_PORTS)
    for host in sorted(set(cluster.ingress) & set(cluster.load_balancers)) if shared else ():
        ports = " and ".join(map(str, sorted(shared)))
        yield Problem(
            "K8N169",
            f"{host} is in ingress and in load_balancer: nginx and HAProxy both want port {ports} there",
            cluster.host_origin(host),
            expected="another host in one of the groups",
        )
