"""K8N18x: the edge's hosts, the nodes it leaves out, and its ports."""

from __future__ import annotations

from collections.abc import Iterator

from k8snet_provision.problems import Problem, Severity

from .cluster import Cluster


def edge_has_no_host(cluster: Cluster) -> Iterator[Problem]:
    """K8N180: nothing to run HAProxy and keepalived on."""
    if cluster.topology.edge is not None and not cluster.load_balancers:
        text = "the section edge has no host to run on"
        hint = "put two hosts outside the cluster into the group load_balancer"
        yield Problem("K8N180", text, cluster.origin("edge"), "load_balancer is empty", "one or two hosts", hint)


def edge_is_one_host(cluster: Cluster) -> Iterator[Problem]:
    """K8N181: with one host there is nowhere for the VIP to move."""
    if cluster.topology.edge is not None and len(cluster.load_balancers) == 1:
        yield Problem(
            "K8N181",
            "the edge has one host, so the VIP has nowhere to go when it fails",
            cluster.host_origin(cluster.load_balancers[0]),
            cluster.load_balancers[0],
            "two hosts in load_balancer",
            severity=Severity.WARNING,
        )


def drain_is_wrong(cluster: Cluster) -> Iterator[Problem]:
    """K8N182: names that are no nodes, and nobody left to answer."""
    edge, ingress = cluster.topology.edge, cluster.topology.ingress
    if edge is None or not edge.drain:
        return
    host_network = ingress is not None and ingress.pattern == "host_network"
    serving = cluster.ingress if host_network else cluster.nodes
    for index, name in enumerate(edge.drain):
        if name not in cluster.nodes and name not in cluster.ingress:
            text = f"edge.drain names {name}, which is no node"
            expected = f"hosts of kube_node: {', '.join(cluster.nodes[:5])}"
            yield Problem("K8N182", text, cluster.origin("edge", "drain", index), name, expected)
    if serving and not set(serving) - set(edge.drain):
        text = "edge.drain names every node, so nobody would answer"
        expected = f"at least one of {', '.join(serving[:5])} left"
        yield Problem("K8N182", text, cluster.origin("edge", "drain"), ", ".join(edge.drain[:5]), expected)


def ports_are_equal(cluster: Cluster) -> Iterator[Problem]:
    """K8N183: one port of the VIP leads to one thing."""
    edge = cluster.topology.edge
    if edge is None:
        return
    ports: dict[tuple[str, ...], int] = {("edge", "http_port"): edge.http_port, ("edge", "https_port"): edge.https_port}
    if edge.api is not None:
        ports[("edge", "api", "port")] = edge.api.port
    first: dict[int, tuple[str, ...]] = {22: ("sshd",)}
    for path, port in ports.items():
        if port in first:
            text = f"{'.'.join(path)} is the port of {'.'.join(first[port])}"
            yield Problem("K8N183", text, cluster.origin(*path), str(port), "a port of its own")
        first.setdefault(port, path)


def api_is_on_the_same_host(cluster: Cluster) -> Iterator[Problem]:
    """K8N184: HAProxy cannot listen on the port that kube-apiserver has on the same host."""
    edge = cluster.topology.edge
    if edge is None or edge.api is None or edge.api.port != edge.api.backend_port:
        return
    for host in sorted(set(cluster.load_balancers) & set(cluster.control_planes)):
        where = cluster.origin("edge", "api", "port")
        text = f"edge.api.port is kube-apiserver's own on {host}, which is in load_balancer and in kube_control_plane"
        yield Problem("K8N184", text, where, str(edge.api.port), "another port, or another host in load_balancer")
