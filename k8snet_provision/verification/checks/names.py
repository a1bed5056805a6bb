"""The DNS specification's names, over UDP and TCP, from every node and from a pod on every node."""

from __future__ import annotations

import pytest
from testinfra.host import Host

from k8snet_provision.seen import World
from k8snet_provision.verification.dns_table import answers
from k8snet_provision.verification.pods import Pod

OVER = pytest.mark.parametrize("over", ["udp", "tcp"])


@OVER
def test_kubernetes(node: Host, world: World, over: str) -> None:
    """a node gets the API's address, port and name"""
    _the_api(node, world, over, "")


@OVER
def test_kubernetes_from_pod(node: Host, pod: Pod, world: World, over: str) -> None:
    """a pod gets the API's address, port and name"""
    _the_api(node, world, over, pod.inside(""))


def _the_api(host: Host, world: World, over: str, inside: str) -> None:
    zone, first = world.topology.cluster_domain, world.topology.first_service_address
    server, name = str(world.topology.dns_address), f"kubernetes.default.svc.{zone}."
    found = {
        kind: answers(host, server, asked, kind, over, inside)
        for kind, asked in {
            "TXT": f"dns-version.{zone}.",
            "A" if first.version == 4 else "AAAA": name,
            "SRV": f"_https._tcp.{name}",
            "PTR": f"{first.reverse_pointer}.",
        }.items()
    }
    assert found == {
        "TXT": {'"1.1.0"'},
        "A" if first.version == 4 else "AAAA": {str(first)},
        "SRV": {f"0 100 443 {name}"},
        "PTR": {name},
    }


def test_resolv_conf(node: Host, pod: Pod, world: World) -> None:
    """a new pod asks the DNS address and searches the cluster's zone"""
    lines = [line.split() for line in node.check_output(f"cat {pod.file('/etc/resolv.conf')}").splitlines()]
    settings = {line[0]: line[1:] for line in lines if line}
    assert settings["nameserver"] == [str(world.topology.dns_address)]
    assert settings["search"][0] == f"{pod.namespace}.svc.{world.topology.cluster_domain}"


def test_headless(node: Host, pod: Pod, pods: dict[str, Pod], world: World) -> None:
    """a headless Service's name gives the address of every pod"""
    name = f"each.{pod.namespace}.svc.{world.topology.cluster_domain}."
    found = answers(node, str(world.topology.dns_address), name, "A", inside=pod.inside(""))
    assert {p.address for p in pods.values()} <= found


def test_headless_without_pods(node: Host, pod: Pod, world: World) -> None:
    """a headless Service without pods has no name"""
    name = f"nobody.{pod.namespace}.svc.{world.topology.cluster_domain}."
    assert answers(node, str(world.topology.dns_address), name, "A", inside=pod.inside("")) == {"NXDOMAIN"}


def test_external_name(node: Host, pod: Pod, world: World) -> None:
    """an ExternalName Service is an alias"""
    zone = world.topology.cluster_domain
    name = f"outside.{pod.namespace}.svc.{zone}."
    found = answers(node, str(world.topology.dns_address), name, "CNAME", inside=pod.inside(""))
    assert found == {f"kubernetes.default.svc.{zone}."}
