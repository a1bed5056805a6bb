"""Namespaces and definitions of kinds that a run made: they stay while somebody else keeps something in them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from k8snet_provision.change import Kind
from k8snet_provision.resources.kube_object import FIELD_MANAGER, OWNED_LABEL, ObjectRef
from k8snet_provision.resources.probe import Probe
from k8snet_provision.rollback import objects
from k8snet_provision.rollback.chain import Chain
from k8snet_provision.seen import World

KINDS = ("Namespace", "CustomResourceDefinition")

SHOWN = 3

ROWS = (
    "go-template={{range .items}}{{if not .metadata.ownerReferences}}{{if not .metadata.deletionTimestamp}}"
    '{{with .metadata.labels}}{{index . "' + OWNED_LABEL + '"}}{{end}} '
    '{{.kind}} {{with .metadata.namespace}}{{.}}/{{end}}{{.metadata.name}}{{"\\n"}}{{end}}{{end}}{{end}}'
)
"""Manager, kind, name of what nobody else's end would end; what belongs to another object goes with it."""

BY_ITSELF = ("Event ", "Lease ", "Endpoints ")
"""Kinds that the cluster and controllers write wherever they run."""
IN_EACH = ("ConfigMap {}/kube-root-ca.crt", "ServiceAccount {}/default")
"""What the cluster puts into every Namespace."""


def made(chains: Sequence[Chain]) -> Iterator[ObjectRef]:
    """Rooms that a rollback would delete."""
    for chain in chains:
        if chain.first.kind is Kind.OBJECT and chain.first.before is None:
            about = objects.ref(chain.first)
            if about is not None and about.kind in KINDS:
                yield about


def _key(room: ObjectRef) -> str:
    return f"rollback:{room.kind}:{room.name}"


def question(room: ObjectRef, prelude: str) -> Probe:
    """What is in it, one object a line."""
    where = f"-n {quote(room.name)}" if room.kind == "Namespace" else "-A"
    kinds = quote(room.name)
    script = ""
    if room.kind == "Namespace":
        script = (
            'kinds=$(K api-resources --verbs=list,delete --namespaced -o name 2>&1) || { echo "$kinds"; exit 1; }\n'
        )
        kinds = '"$(printf %s "$kinds" | tr \'\\n\' ,)"'
    return Probe(
        _key(room),
        f"""{prelude}
{script}said=$(K get {kinds} {where} --ignore-not-found -o {quote(ROWS)} 2>&1) || {{
  case $said in *"have a resource type"*) exit 0 ;; esac
  echo "$said"; exit 1
}}
printf '%s' "$said" """,
    )


def kept_for(world: World, room: ObjectRef) -> str:
    """What of somebody else's is in it; empty for nothing. Raises Unknown."""
    rows = (line.partition(" ") for line in (world.state.said(_key(room)) or "").splitlines())
    in_each = {name.format(room.name) for name in IN_EACH}
    others = [
        name
        for manager, _, name in rows
        if manager != FIELD_MANAGER and name and not name.startswith(BY_ITSELF) and name not in in_each
    ]
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    return ", ".join(others[:SHOWN]) + more
