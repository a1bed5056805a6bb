"""The two configurations of HAProxy that a change of pattern goes through: with the old way in, and without it."""

from __future__ import annotations

from k8snet_provision.edge import haproxy, observed
from k8snet_provision.edge.forwards import forwards
from k8snet_provision.ingress import paths
from k8snet_provision.seen import World
from k8snet_provision.topology.edge import Edge
from k8snet_provision.topology.ingress import Pattern


def final_way(world: World) -> Pattern | None:
    """The way in that the topology wants behind the edge, if any."""
    ingress = world.topology.ingress
    return ingress.pattern if ingress and ingress.behind_edge else None


def staying_way(world: World) -> Pattern | None:
    """The way in that the edge leads to until the old one has gone quiet. Raises Unknown.

    An old one that the edge leads to stays as long as the wanted one goes past the edge.
    """
    final = final_way(world)
    if final or world.topology.ingress is None:
        return final
    leading = observed.ways(world)
    return next((way for way in leading if way in paths.old(world)), None) if leading else None


def final(world: World, edge: Edge) -> str:
    """HAProxy's configuration at the end."""
    return haproxy.configuration(edge, forwards(world.cluster, edge, final_way(world)))


def staying(world: World, edge: Edge, host: str) -> str:
    """HAProxy's configuration until then; what a host has retired already is not brought back. Raises Unknown."""
    end = final(world, edge)
    if observed.text(world.host(host), haproxy.PATH) == end:
        return end
    return haproxy.configuration(edge, forwards(world.cluster, edge, staying_way(world)))
