"""K8N11x: hosts, their groups and their addresses."""

from __future__ import annotations

from collections.abc import Iterator
from ipaddress import ip_address

from k8snet_provision.problems import Origin, Problem, Severity

from .cluster import Cluster
from .shown import shown
from .values import IPAddress, is_domain


def node_address(address: str) -> IPAddress | None:
    """The address as one, None for a name that DNS resolves."""
    try:
        return ip_address(address)
    except ValueError:
        return None


def _inventory(cluster: Cluster) -> Origin:
    return Origin(str(cluster.inventory.path))


def control_plane_is_missing(cluster: Cluster) -> Iterator[Problem]:
    """K8N110: nothing can be provisioned without an apiserver."""
    if not cluster.control_planes:
        hint = "put the hosts that run kube-apiserver into the group kube_control_plane"
        yield Problem("K8N110", "no host is in the group kube_control_plane", _inventory(cluster), hint=hint)


def node_is_missing(cluster: Cluster) -> Iterator[Problem]:
    """K8N111: kube-proxy is rolled out on kube_node only."""
    if not cluster.nodes:
        yield Problem(
            "K8N111",
            "no host is in the group kube_node, so kube-proxy is managed nowhere",
            _inventory(cluster),
            hint="put every host that runs a kubelet into the group kube_node",
            severity=Severity.WARNING,
        )


def etcd_is_even(cluster: Cluster) -> Iterator[Problem]:
    """K8N112: an even number of members tolerates no more failures than one member fewer."""
    members = len(cluster.etcd)
    if members and members % 2 == 0:
        yield Problem(
            "K8N112",
            "etcd has an even number of members",
            _inventory(cluster),
            str(members),
            f"{members - 1} or {members + 1}",
            f"{members} members tolerate as many failures as {members - 1}",
            Severity.WARNING,
        )


def load_balancer_is_a_node(cluster: Cluster) -> Iterator[Problem]:
    """K8N113: HAProxy's ports 80 and 443 and kube-proxy's rules then share one network stack."""
    for host in sorted(set(cluster.load_balancers) & set(cluster.nodes)):
        yield Problem(
            "K8N113",
            f"{host} is in load_balancer and in kube_node",
            cluster.host_origin(host),
            hint="an external load balancer should fail independently of the nodes behind it",
            severity=Severity.WARNING,
        )


def address_is_shared(cluster: Cluster) -> Iterator[Problem]:
    """K8N114: two names for one host would be changed twice, at the same time."""
    first: dict[str, str] = {}
    for member in cluster.members:
        address = str(node_address(member.address) or member.address)
        # Hosts behind one address differ by their port; that is how a gateway forwards SSH.
        port = cluster.inventory.hosts[member.name].vars.get("ansible_port", 22)
        other = first.setdefault(f"{address} {port}", member.name)
        if address and other != member.name:
            yield Problem(
                "K8N114",
                f"{member.name} has the address of {other}",
                cluster.host_origin(member.name),
                shown(address),
                f"another address than at {cluster.host_origin(other)}",
            )


def address_is_unusable(cluster: Cluster) -> Iterator[Problem]:
    """K8N115: an address that is neither an IP address nor a DNS name, or that is only the host's name."""
    for member in cluster.members:
        where = cluster.host_origin(member.name)
        if node_address(member.address) is not None or _cannot_connect(member.address):
            continue
        if not _is_host_name(member.address):
            expected = "an IP address or a DNS name"
            text = f"the address of {member.name} is none"
            yield Problem("K8N115", text, where, shown(member.address), expected)
        elif member.address == member.name and where == cluster.inventory.origin(member.name):
            yield Problem(
                "K8N115",
                f"{member.name} has no ansible_host, so its name is its address",
                where,
                hint="write its IP address as ansible_host; overlaps with it cannot be checked otherwise",
                severity=Severity.WARNING,
            )


def _cannot_connect(address: str) -> bool:
    """What the connection settings (K8N020) have already been blamed for."""
    return not address or address.startswith("-") or " " in address or not address.isprintable()


def _is_host_name(name: str) -> bool:
    """A DNS name that cannot be taken for an IPv4 address (RFC 1123 section 2.1)."""
    name = name.lower().removesuffix(".")
    return is_domain(name) and not name.rpartition(".")[2].isdigit()


def ingress_is_no_node(cluster: Cluster) -> Iterator[Problem]:
    """K8N116: the ingress controller runs in pods, and pods run on nodes."""
    for host in cluster.ingress:
        if host not in cluster.nodes and host not in cluster.control_planes:
            hint = "put it into kube_node too, or take it out of ingress"
            text = f"{host} is in ingress but is no node of the cluster"
            yield Problem("K8N116", text, cluster.host_origin(host), hint=hint)
