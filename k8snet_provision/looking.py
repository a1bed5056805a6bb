"""Looking: everything a plan rests on is asked for once, hosts and cluster side by side."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Protocol

from gevent.pool import Pool

from k8snet_provision import cluster_state
from k8snet_provision.capability import Site, attempt, members
from k8snet_provision.change import CLUSTER
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.engine.fleet import Output, Script, Unreachable
from k8snet_provision.engine.this_machine import NAME as HERE
from k8snet_provision.engine.this_machine import ThisMachine
from k8snet_provision.observe import Observation, compose, decode, new_boundary
from k8snet_provision.problems import Problem
from k8snet_provision.resources.as_sent import is_as_sent
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.merged import merged
from k8snet_provision.resources.probe import HostSeen, Probe, Seen, State, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

REFUSED_BY_SERVER = "K8N301"

SHOWN = 10
"""Objects named in a problem before the rest is only counted."""

MAKES_ROOM = ("Namespace", "CustomResourceDefinition")
"""Kinds without which other objects cannot be."""

MEND = "nothing was changed; mend the topology or the cluster and run diff again"
WEBHOOK_SILENT = (
    "nothing was changed; the webhook's pods do not answer the API server: see whether they run, and whether the API "
    "server's host reaches them; without its configuration (kubectl delete validatingwebhookconfiguration NAME) nobody "
    "asks it, and apply makes ours again"
)

CHANNELS = 3
"""Beside the one for the API server's version; sshd takes ten at once (MaxSessions)."""

OBSERVATION_TIMEOUT = 60.0
"""Seconds for one host's script, once connected; the slowest part is kubectl's answer."""

AS_ROOT = Probe(
    "root",
    """[ "$(id -u)" = 0 ] && exit 0
echo "$(id -un) is not root; hint: set ansible_become, or connect as root (ansible_user)"; exit 1""",
)
"""Without root half of the answers would be "not there" where they are "not to be seen"."""


class Asked(Protocol):
    """Who runs scripts by name: a Fleet on its hosts, or this machine."""

    def run(self, scripts: Mapping[str, Script]) -> dict[str, Output | Unreachable]: ...


class Hosts(Asked, Protocol):
    """A Fleet, or what stands for one where hosts run nothing but what is installed there."""

    def connect(self, names: Iterable[str]) -> dict[str, Unreachable | None]: ...


def look(
    site: Site,
    cluster: Cluster,
    hosts: Sequence[str],
    fleet: Hosts,
    also: Sequence[Probe] = (),
    here: ThisMachine | None = None,
) -> World:
    """Observes `hosts` with one script each; the first control plane reached also reads the cluster.

    `also` is asked of every host, whatever the site wants there. `here` reads the cluster instead, with its own kubectl
    and by the means that kubectl finds itself: $KUBECONFIG, or the service account of a pod.
    """
    reached = fleet.connect(hosts)
    readers = [host for host in cluster.control_planes if reached.get(host) is None]
    probes = {host: of_host(site, cluster, host, also) for host in hosts if reached[host] is None}
    with_cluster = Pool(1)
    state = (
        with_cluster.spawn(_read_cluster, site, cluster, (HERE,), here, cluster_state.KUBECTL_HERE)
        if here
        else with_cluster.spawn(_read_cluster, site, cluster, readers, fleet, _prelude(cluster))
    )
    seen, lost = _run(fleet, probes)
    unreached = {host: _why(failure) for host, failure in reached.items() if failure is not None}
    whole = set(cluster.control_planes) <= set(hosts)
    phases = frozenset(phase.name for phase in site if whole)
    return World(cluster, Observation(seen, unreached | lost), state.get(), phases)


def further(site: Site, world: World, hosts: Sequence[str], fleet: Hosts, also: Sequence[Probe] = ()) -> World:
    """The world with more hosts observed."""
    reached = fleet.connect(hosts)
    probes = {host: of_host(site, world.cluster, host, also) for host in hosts if reached[host] is None}
    seen, lost = _run(fleet, probes)
    unreached = {host: _why(failure) for host, failure in reached.items() if failure is not None}
    before = world.observation
    return replace(world, observation=Observation({**before.hosts, **seen}, {**before.unreached, **unreached, **lost}))


def of_host(site: Site, cluster: Cluster, host: str, also: Sequence[Probe] = ()) -> list[Probe]:
    """What `look` asks of a host, in one script."""
    return [AS_ROOT, *also, *_host_probes(site, cluster, host)]


def of_cluster(site: Site, cluster: Cluster, prelude: str | None = None) -> list[list[Probe]]:
    """What `look` asks of the control plane that reads the cluster, the version first, script by script."""
    prelude = _prelude(cluster) if prelude is None else prelude
    own = {probe.key: probe for phase in site for probe in phase.capability.questions(cluster, prelude)}
    probes = [*cluster_state.probes(prelude, _refs(site, cluster)), *own.values()]
    return [probes[:1], *(probes[1 + number :: CHANNELS] for number in range(CHANNELS))]


def _prelude(cluster: Cluster) -> str:
    control_plane = cluster.topology.control_plane
    return cluster_state.kubectl(control_plane.kubectl, control_plane.kubeconfig)


def _refs(site: Site, cluster: Cluster) -> set[ObjectRef]:
    return {ref for phase in site for ref in phase.capability.reads(cluster)}


def _host_probes(site: Site, cluster: Cluster, host: str) -> Iterable[Probe]:
    probes = {
        probe.key: probe
        for phase in site
        if host in members(phase, cluster)
        for probe in phase.capability.probes(cluster, host)
    }
    return probes.values()


def _run(fleet: Asked, probes: dict[str, list[Probe]]) -> tuple[dict[str, HostSeen], dict[str, str]]:
    boundary = new_boundary()
    scripts = {
        host: Script(compose(asked, boundary), timeout=OBSERVATION_TIMEOUT, boundary=boundary)
        for host, asked in probes.items()
    }
    seen, lost = {}, {}
    for host, answer in fleet.run(scripts).items():
        if isinstance(answer, Unreachable):
            lost[host] = _why(answer)
            continue
        found = decode(host, probes[host], boundary, answer.stdout)
        if found.answers.get(AS_ROOT.key, Seen(State.ABSENT)).state is State.UNKNOWN:
            lost[host] = found.answers[AS_ROOT.key].why
        else:
            seen[host] = found
    return seen, lost


def _why(failure: Unreachable) -> str:
    return f"{failure.reason}; hint: {failure.hint}" if failure.hint else failure.reason


def _read_cluster(site: Site, cluster: Cluster, readers: Sequence[str], fleet: Asked, prelude: str) -> ClusterState:
    """The cluster as the first control plane saw whose API server answered; the others are asked in turn."""
    parts = of_cluster(site, cluster, prelude)
    why = "no control-plane host could be reached"
    for reader in readers:
        answers = _ask_at_once(fleet, reader, parts)
        if isinstance(answers, str):
            why = answers
            continue
        version = answers["cluster:version"]
        if version.state is State.PRESENT:
            return ClusterState(HostSeen(reader, answers), reader=reader)
        why = f"{reader}: {version.why}"
    return ClusterState(None, why)


def _ask_at_once(fleet: Asked, reader: str, parts: Sequence[Sequence[Probe]]) -> Mapping[str, Seen] | str:
    """kubectl mostly waits, so several channels of the one connection ask at once; a text is why one got no answer.

    Where the API server gives no version, the others are not waited for: each would try for many seconds. Nor are
    they killed: one that is stopped within a packet would spoil the connection for whatever comes next.
    """
    pool = Pool(1 + CHANNELS)

    def ask(asked: Sequence[Probe]) -> Mapping[str, Seen] | str:
        seen, lost = _run(fleet, {reader: list(asked)})
        return lost[reader] if reader in lost else seen[reader].answers

    version, *others = (pool.spawn(ask, asked) for asked in parts)
    answers: Mapping[str, Seen] | str = version.get()
    if isinstance(answers, str) or any(seen.state is State.UNKNOWN for seen in answers.values()):
        return answers
    found = dict(answers)
    for job in others:
        more: Mapping[str, Seen] | str = job.get()
        if isinstance(more, str):
            return more
        found |= more
    return found


def ask_dry_run(site: Site, world: World, fleet: Asked) -> tuple[World, list[Problem]]:
    """Adds to the world what the API server would make of our manifests.

    Those that are there as they were sent are not tried out: a webhook that does not answer would refuse them too.
    """
    manifests = [manifest for phase in site for manifest in attempt(phase.capability.manifests, world)]
    if not manifests or world.state.seen is None:
        return world, []
    kept = {ObjectRef.of(live): live for m in manifests for live in attempt(_live, world, m) if is_as_sent(live, m)}
    asked = [manifest for manifest in answerable(manifests, world) if ObjectRef.of(manifest) not in kept]
    world = replace(world, state=replace(world.state, dry=kept))
    if not asked:
        return world, []
    answer = _try_out(world, fleet, asked, "json")
    problems: list[Problem] = []
    if isinstance(answer, Output) and answer.code != 0:
        names = _try_out(world, fleet, asked, "name")
        taken = accepted(asked, names.stdout.decode().split() if isinstance(names, Output) else ())
        problems.append(_refusal(answer, [manifest for manifest in asked if manifest not in taken]))
        answer = _try_out(world, fleet, taken, "json")
    if isinstance(answer, Unreachable):
        return replace(world, state=ClusterState(None, answer.reason)), problems
    if answer.code != 0:
        return world, problems
    results = json.loads(answer.stdout)
    items = results["items"] if results["kind"] == "List" else [results]
    return replace(world, state=replace(world.state, dry=kept | {ObjectRef.of(item): item for item in items})), problems


def foresee(site: Site, world: World) -> World:
    """`ask_dry_run` without asking: what the server would make of our manifests is worked out from what was read.

    Needs no permission to write. What only the server can tell is kept as unknown, by object; what is not there yet
    is taken as it is sent.
    """
    manifests = [manifest for phase in site for manifest in attempt(phase.capability.manifests, world)]
    dry: dict[ObjectRef, Manifest] = {}
    unforeseen: dict[ObjectRef, Unknown] = {}
    for manifest in manifests:
        for live in attempt(_live, world, manifest):
            ref = ObjectRef.of(manifest)
            try:
                dry[ref] = live if is_as_sent(live, manifest) else merged(live, manifest)
            except Unknown as unknown:
                unforeseen[ref] = unknown
    return replace(world, state=replace(world.state, dry=dry, unforeseen=unforeseen))


def _try_out(world: World, fleet: Asked, manifests: Sequence[Manifest], output: str) -> Output | Unreachable:
    script = Script(cluster_state.dry_run(world.prelude, output), json.dumps(_as_list(manifests)).encode())
    return fleet.run({world.state.reader: script})[world.state.reader]


def accepted(manifests: Sequence[Manifest], names: Iterable[str]) -> list[Manifest]:
    """Those whose names kubectl printed, in the order of both: not every refusal says what it refuses."""
    rest, found = list(names), []
    for manifest in manifests:
        group = manifest["apiVersion"].rpartition("/")[0]
        kind = ".".join(filter(None, (manifest["kind"].lower(), group)))
        if rest and rest[0] == f"{kind}/{manifest['metadata']['name']}":
            found.append(manifest)
            del rest[0]
    return found


def answerable(manifests: Sequence[Manifest], world: World) -> Iterable[Manifest]:
    """What the server can try out: no object whose namespace, or whose kind, the same plan makes first; and no new
    Service that gets an address while there are several ServiceCIDRs.

    A dry run takes such an address from any one of them, whether it lies there or not and whether that range is just
    being deleted (kubernetes, pkg/registry/core/service/ipallocator, MetaAllocator.DryRun): what it refuses is taken
    when it is meant, and the other way round.
    """
    made = [m for m in manifests if m["kind"] in MAKES_ROOM and not attempt(_live, world, m)]
    namespaces = {m["metadata"]["name"] for m in made if m["kind"] == "Namespace"}
    kinds = {(m["spec"]["group"], m["spec"]["names"]["kind"]) for m in made if m["kind"] != "Namespace"}
    several_ranges = len(attempt(_service_cidrs, world)) > 1
    for manifest in manifests:
        kind = manifest["apiVersion"].rpartition("/")[0], manifest["kind"]
        if manifest["metadata"].get("namespace", "") in namespaces or kind in kinds:
            continue
        if not (several_ranges and _gets_an_address(manifest) and not attempt(_live, world, manifest)):
            yield manifest


def _service_cidrs(world: World) -> Sequence[Manifest]:
    return world.state.service_cidrs or ()


def _gets_an_address(manifest: Manifest) -> bool:
    spec = manifest.get("spec", {})
    return bool(
        manifest["kind"] == "Service" and spec.get("type") != "ExternalName" and spec.get("clusterIP") != "None"
    )


def _live(world: World, manifest: Manifest) -> Iterable[Manifest]:
    live = world.live(ObjectRef.of(manifest))
    return () if live is None else (live,)


def _as_list(items: Sequence[Manifest]) -> Manifest:
    return {"apiVersion": "v1", "kind": "List", "items": list(items)}


def _refusal(answer: Output, refused: Sequence[Manifest]) -> Problem:
    said = (answer.stderr or answer.stdout).decode("utf-8", "replace").strip()
    names = ", ".join(str(ObjectRef.of(manifest)) for manifest in refused[:SHOWN])
    rest = f" and {len(refused) - SHOWN} more" if len(refused) > SHOWN else ""
    return Problem(
        REFUSED_BY_SERVER,
        f"the API server refuses what the topology asks for: {names}{rest}",
        CLUSTER,
        found=said[-1000:],
        hint=WEBHOOK_SILENT if "failed calling webhook" in said else MEND,
    )
