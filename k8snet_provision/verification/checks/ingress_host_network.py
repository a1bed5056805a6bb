"""The controller on the hosts' own network still finds the cluster by its names."""

from __future__ import annotations

from testinfra.host import Host

from k8snet_provision.seen import World
from k8snet_provision.verification.dns_table import answers
from k8snet_provision.verification.pods import find_process
from k8snet_provision.verification.verdict import NotAsWanted, demand
from k8snet_provision.verification.way_in import WayIn


def called_for(world: World) -> bool:
    return world.topology.ingress is not None and world.topology.ingress.pattern == "host_network"


def test_one_on_every_host(world: World, way: WayIn) -> None:
    """every host of the group ingress runs a pod of the controller that is ready, and no other host does"""
    demand(way.nodes, frozenset(world.cluster.ingress), "hosts with a ready controller")


def test_cluster_names(node: Host, world: World, way: WayIn) -> None:
    """a controller on the host's network asks the cluster's DNS and gets the API's address"""
    for pod in way.controllers:
        if pod.node != node.backend.get_hostname():
            continue
        found = node.run(find_process(pod.uid))
        if found.rc != 0:
            raise NotAsWanted(f"found no process of pod {pod.name}, expected one")
        pid, zone, first = found.stdout.strip(), world.topology.cluster_domain, world.topology.first_service_address
        settings = node.check_output(f"cat /proc/{pid}/root/etc/resolv.conf").splitlines()
        servers = [line.split()[1] for line in settings if line.startswith("nameserver ")]
        demand(servers, [str(world.topology.dns_address)], f"nameservers of pod {pod.name}")
        name, kind = f"kubernetes.default.svc.{zone}.", "A" if first.version == 4 else "AAAA"
        inside = f"nsenter -t {pid} -n -- "
        demand(answers(node, servers[0], name, kind, inside=inside), {str(first)}, f"{name} for pod {pod.name}")
