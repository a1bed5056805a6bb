"""Shards: which part of the hosts, and of the clusters, one of several looks is about.

Each host goes to the shard that hashes highest with it (rendezvous hashing), so every shard knows its own without
asking the others, a host that comes or goes moves no other, and one shard more takes its hosts evenly from all.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from k8snet_provision.capability import nothing
from k8snet_provision.change import CLUSTER
from k8snet_provision.drift.report import Shard
from k8snet_provision.drift.watch import Watch
from k8snet_provision.inventory.connection import Connection
from k8snet_provision.topology import Cluster

AUTO = "auto"
INDEX = "JOB_COMPLETION_INDEX"
"""Set by Kubernetes in each pod of an Indexed Job, from 0."""

EXPECTED = f"I/N with I from 1 to N, or {AUTO}/N where {INDEX} is set"
MOST = 10_000

FOR_ALL = 3
"""Nodes that some capabilities ask on behalf of all (deploys/metallb_look.ASKERS); every shard looks at them."""


@dataclass(frozen=True)
class Part:
    """What one look is about: it reports on `hosts`, and on the cluster where `whole`; it looks at `seen`."""

    hosts: tuple[str, ...]
    whole: bool
    seen: tuple[str, ...]
    all: bool = False
    """Not one of several."""


def parse(text: str, environment: Mapping[str, str]) -> Shard:
    """Of --shard; raises ValueError with what is wrong."""
    found = re.fullmatch(rf"(\d{{1,6}}|{AUTO})/(\d{{1,6}})", text, re.ASCII)
    if not found:
        raise ValueError("--shard cannot be read")
    index = _index_of_job(environment) if found[1] == AUTO else int(found[1])
    count = int(found[2])
    if not 1 <= count <= MOST:
        raise ValueError(f"--shard is of at least 1 and at most {MOST:,}")
    if not 1 <= index <= count:
        told = f" ({INDEX} is {environment[INDEX]}, from 0)" if found[1] == AUTO else ""
        raise ValueError(f"--shard names a shard that there is not: {index} of {count}{told}")
    return Shard(index, count)


def _index_of_job(environment: Mapping[str, str]) -> int:
    index = environment.get(INDEX, "")
    if not re.fullmatch(r"\d{1,6}", index, re.ASCII):
        what = f"{index!r}, no number" if index else "not set"
        raise ValueError(f"--shard {AUTO} takes its number from {INDEX}, which is {what}")
    return int(index) + 1


def shard_of(identity: str, count: int) -> int:
    """From 1. The same on every machine and in every version."""

    def weight(index: int) -> bytes:
        return hashlib.sha256(f"{identity}\0{index}".encode("utf-8", "surrogateescape")).digest()

    return max(range(1, count + 1), key=weight)


def identity(connection: Connection) -> str:
    """A host by where it is, whatever its name and whoever logs in; behind a jump host an address is another one."""
    way = [(hop.host, hop.port) for hop in connection.jump] + [(connection.address, connection.port)]
    return " ".join(f"{address.lower()}:{port}" for address, port in way)


def part(
    cluster: Cluster,
    hosts: Sequence[str],
    connections: Mapping[str, Connection],
    watches: Sequence[Watch],
    shard: Shard | None,
) -> Part:
    """Of `hosts`. The cluster is part of a look at all its control planes, and belongs to one of the shards."""
    whole = set(cluster.control_planes) <= set(hosts)
    if shard is None:
        return Part(tuple(hosts), whole, tuple(hosts), all=True)
    mine = tuple(host for host in hosts if shard_of(identity(connections[host]), shard.count) == shard.index)
    whole = whole and shard_of(f"cluster {cluster.name}", shard.count) == shard.index
    if not mine and not whole:
        return Part((), False, ())
    needed = {*mine, *leaned_on(cluster), *(_together(cluster, watches) if whole else ())}
    return Part(mine, whole, tuple(host for host in hosts if host in needed))


def leaned_on(cluster: Cluster) -> tuple[str, ...]:
    """The few hosts that what is wanted on others depends on: every shard looks at them, and one reports on each."""
    return tuple(dict.fromkeys((*cluster.control_planes, *cluster.load_balancers, *cluster.nodes[:FOR_ALL])))


def _together(cluster: Cluster, watches: Sequence[Watch]) -> set[str]:
    """The hosts that a watch judges together."""
    groups = {
        group
        for watch in watches
        if watch.in_cluster is not nothing
        for group in (watch.hosts if watch.together is None else watch.together)
    }
    return {host for group in groups - {CLUSTER} for host in cluster.having(group)}
