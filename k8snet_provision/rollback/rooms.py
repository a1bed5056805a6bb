"""Namespaces and definitions of kinds that a run made: they stay while somebody else keeps something in them.

The engine looks once more before it deletes one; asked beforehand, the plan can say so.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from shlex import quote

from k8snet_provision.change import Kind
from k8snet_provision.engine.rooms import BY_ITSELF, KINDS, ROWS
from k8snet_provision.resources.kube_object import FIELD_MANAGER, ObjectRef
from k8snet_provision.resources.probe import Probe
from k8snet_provision.rollback import objects
from k8snet_provision.rollback.chain import Chain
from k8snet_provision.seen import World

SHOWN = 3

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
        listed = "K api-resources --verbs=list,delete --namespaced -o name"
        script = f"""kinds=$({listed} 2>&1) || {{ echo "$kinds"; exit 1; }}
kinds=$(printf '%s\\n' "$kinds" | grep -vxE {quote("|".join(BY_ITSELF))} | paste -sd, -)
"""
        kinds = '"$kinds"'
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
    lines = (world.state.said(_key(room)) or "").splitlines()
    rows = [line.split("|", 2)[1:] for line in lines if line.startswith("object|")]
    in_each = {name.format(room.name) for name in IN_EACH}
    others = [name for manager, name in rows if manager != FIELD_MANAGER and name not in in_each]
    more = f" and {len(others) - SHOWN} more" if len(others) > SHOWN else ""
    return ", ".join(others[:SHOWN]) + more
