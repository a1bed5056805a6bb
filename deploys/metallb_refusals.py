"""Why MetalLB may not be installed or given its pools: somebody else has what it would take, or nobody would answer."""

from __future__ import annotations

from collections.abc import Iterator

from deploys.metallb_look import ASKERS, EXCLUDED, excluded_nodes, holders, networks, pools_of_others, waiting
from k8snet_provision.change import CLUSTER
from k8snet_provision.metallb import network, release
from k8snet_provision.metallb.contents import MEMBERLIST, NAMESPACE, NAMESPACE_REF, POOL_DEFINITION, SPEAKER
from k8snet_provision.metallb.network import MOST, holds
from k8snet_provision.problems import Origin, Problem
from k8snet_provision.resources.kube_object import FIELD_MANAGER, OWNED_LABEL, ObjectRef, owner
from k8snet_provision.seen import World
from k8snet_provision.topology.values import AddressRange, IPAddress

ANSWERED = "K8N286"
NODES_OWN = "K8N287"
ARP_FOR_ALL = "K8N288"
NOBODY_ANNOUNCES = "K8N330"
FOREIGN = "K8N331"
POOLS_OVERLAP = "K8N332"
NOT_FAST = "K8N333"

OURS = f"{OWNED_LABEL}={FIELD_MANAGER}"


def of_release(world: World) -> Iterator[Problem]:
    if world.topology.metallb is None:
        return
    yield from _foreign(world)
    yield from _nobody_announces(world)
    yield from _answers_for_all(world)
    yield from _cannot_be_fast(world)


def _foreign(world: World) -> Iterator[Problem]:
    """Ours are all in our namespace; with the label on it, what was there before is taken over.

    Definitions of ours without it are left from a run that failed.
    """
    namespace, definition = world.live(NAMESPACE_REF), world.live(POOL_DEFINITION)
    if namespace is not None and namespace["metadata"].get("labels", {}).get(OWNED_LABEL) == FIELD_MANAGER:
        return
    text, expected = "MetalLB is there already, and this tool did not install it", "none, or one labelled as ours"
    if namespace is not None:
        hint = f"leave metallb out of the topology, or have it taken over: kubectl label namespace {NAMESPACE} {OURS}"
        yield Problem(FOREIGN, text, CLUSTER, str(NAMESPACE_REF), expected, hint)
    elif definition is not None and not owner(definition):
        hint = "leave metallb out of the topology, or uninstall the one that is there, its CRDs too"
        yield Problem(FOREIGN, text, CLUSTER, str(POOL_DEFINITION), expected, hint)


def _nobody_announces(world: World) -> Iterator[Problem]:
    metallb, nodes = world.topology.metallb, world.state.nodes
    if metallb and nodes and len(excluded_nodes(world)) == len(nodes) and not metallb.announce_from_control_planes:
        yield Problem(
            NOBODY_ANNOUNCES,
            "no node would announce the addresses of MetalLB",
            world.cluster.origin("metallb", "announce_from_control_planes"),
            f"all {len(nodes)} nodes labelled {EXCLUDED}",
            "a node without that label",
            "set metallb.announce_from_control_planes: true, or take the label away from a node",
        )


def _answers_for_all(world: World) -> Iterator[Problem]:
    """kube-proxy in ipvs mode puts the Services' addresses on every node; where the topology says nothing of it."""
    if world.topology.kube_proxy is not None:
        return
    for host, seen in networks(world).items():
        if seen.answers_for_all:
            yield Problem(
                ARP_FOR_ALL,
                "every node would answer ARP for the addresses of MetalLB",
                host,
                "kube-proxy in ipvs mode without strictARP (net.ipv4.conf.all.arp_ignore is 0)",
                "strictARP: true",
                "give kube_proxy.mode: ipvs and kube_proxy.ipvs.strict_arp: true in the topology",
            )


def _cannot_be_fast(world: World) -> Iterator[Problem]:
    """Speakers before 0.16 have no settings; a ConfigMap that nobody reads would promise what does not happen."""
    metallb = world.topology.metallb
    if metallb is None or not metallb.fast_failover:
        return
    speaker = next(item for item in release.objects(world.cluster) if ObjectRef.of(item) == SPEAKER)
    volumes = speaker["spec"]["template"]["spec"].get("volumes") or ()
    if not any((volume.get("configMap") or {}).get("name") == MEMBERLIST.name for volume in volumes):
        yield Problem(
            NOT_FAST,
            "this release of MetalLB cannot be told to notice a lost node sooner",
            world.cluster.origin("metallb", "fast_failover"),
            f"its speakers read no {MEMBERLIST}",
            "MetalLB 0.16 or later",
            "take fast_failover away, or name the manifest of a later release",
        )


def of_pools(world: World) -> Iterator[Problem]:
    if world.topology.metallb is None:
        return
    yield from _overlaps(world)
    yield from (problem for address, problem in _taken(world) if not _is_live(world, address))


def _ranges(world: World) -> Iterator[tuple[AddressRange, Origin]]:
    metallb = world.topology.metallb
    for number, pool in enumerate(metallb.pools if metallb else ()):
        for index, range_ in enumerate(pool.addresses):
            yield range_, world.cluster.origin("metallb", "pools", number, "addresses", index)


def _overlaps(world: World) -> Iterator[Problem]:
    for other in pools_of_others(world):
        meta = other["metadata"]
        for text, theirs in network.ranges(other):
            for ours, where in _ranges(world):
                if holds(ours, theirs.first) or holds(theirs, ours.first):
                    yield Problem(
                        POOLS_OVERLAP,
                        f"{ours} overlaps a pool that is not ours",
                        where,
                        f"{text} of IPAddressPool {meta['namespace']}/{meta['name']}",
                        "addresses of no other pool",
                        "take that pool away, or take its addresses out of the topology's",
                    )


def _taken(world: World) -> Iterator[tuple[IPAddress, Problem]]:
    """Addresses that somebody has who is no Service of this cluster. A node's own MAC is what announces Services."""
    seen, held = networks(world), holders(world)
    macs = {mac for node in seen.values() for mac in node.macs}
    asked = set(network.addresses(world.topology.pools))
    answers: dict[IPAddress, tuple[str, str]] = {}
    for host, node in seen.items():
        for interface in node.interfaces:
            if any(holds(range_, interface.address) for range_, _ in _ranges(world)) and interface.address not in held:
                yield interface.address, _own(world, interface.address, f"{interface.device} of {host}")
        answers |= {address: (mac, host) for address, mac in node.answered if mac not in macs}
    for address, (mac, host) in sorted(answers.items(), key=lambda item: int(item[0])):
        if address in asked and address not in held:
            yield address, _answered(world, address, mac, host)


def _own(world: World, address: IPAddress, where: str) -> Problem:
    text = f"{address} of a pool of MetalLB is an address of a node"
    return Problem(NODES_OWN, text, _written(world, address), where, "an address that nothing else has")


def _answered(world: World, address: IPAddress, mac: str, host: str) -> Problem:
    return Problem(
        ANSWERED,
        f"{address} of a pool of MetalLB is in use",
        _written(world, address),
        f"{mac} answers, asked from {host}",
        "an address that nobody answers at",
        "take it out of the pool, or find the machine that has it",
    )


def _written(world: World, address: IPAddress) -> Origin | str:
    return next((where for range_, where in _ranges(world) if holds(range_, address)), CLUSTER)


def _is_live(world: World, address: IPAddress) -> bool:
    """MetalLB has that address already: what is in its way is told, and keeps nothing else from being done."""
    for pool in world.topology.metallb.pools if world.topology.metallb else ():
        live = world.live(ObjectRef("metallb.io/v1beta1", "IPAddressPool", pool.name, NAMESPACE))
        if live and owner(live) and any(holds(range_, address) for _, range_ in network.ranges(live)):
            return True
    return False


def notices(world: World) -> Iterator[str]:
    pools = world.topology.pools
    if world.topology.metallb is None:
        return
    size = sum(int(pool.last) - int(pool.first) + 1 for pool in pools)
    if size > MOST:
        yield f"the pools of MetalLB have {size} addresses; the first {MOST} were asked for, whether they are in use"
    if not world.reached(world.cluster.nodes[:ASKERS]):
        yield "no node was asked whether the addresses of MetalLB's pools are in use"
    yield from (str(problem) for address, problem in _taken(world) if _is_live(world, address))
    for address, service in holders(world).items():
        if not any(holds(pool, address) for pool in pools):
            yield f"Service {service} has the address {address}, which is in no pool: it will get another one"
    if without := waiting(world):
        yield f"Services of type LoadBalancer without an address: {', '.join(without[:20])}"


def facts(world: World) -> Iterator[tuple[str, str]]:
    if world.topology.metallb is None:
        return
    held = holders(world)
    shown = [f"{address} {service}" for address, service in sorted(held.items(), key=lambda item: str(item[0]))]
    yield (
        "load balancer addresses",
        ", ".join(shown[:5]) + (f" and {len(shown) - 5} more" if shown[5:] else "") or "none",
    )
