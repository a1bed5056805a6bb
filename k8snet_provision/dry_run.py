"""What the API server would make of our manifests: its own dry run is asked, or foreseen from what was read."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import replace

from k8snet_provision import cluster_state
from k8snet_provision.capability import Site, attempt
from k8snet_provision.change import CLUSTER
from k8snet_provision.cluster_state import ClusterState
from k8snet_provision.engine.fleet import Output, Script, Unreachable
from k8snet_provision.looking import Asked
from k8snet_provision.problems import Problem
from k8snet_provision.resources.as_sent import is_as_sent
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.merged import merged
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World

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


def ask(site: Site, world: World, fleet: Asked) -> tuple[World, list[Problem]]:
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
    """`ask` without asking: what the server would make of our manifests is worked out from what was read.

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
