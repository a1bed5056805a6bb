"""The cluster as checks ask it: kubectl on a control-plane host, and a namespace of their own that is deleted."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager

from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.seen import World

SECONDS = 90.0
PREFIX = "k8snet-verify-"
"""Begins the name of every namespace made for checks."""


class CannotProbe(Exception):
    """What several checks ask with could not be had; the text says why. Reported once, as a check of this name."""

    check = "pods"
    proves = "pods to ask from run on every node"


@contextmanager
def temporary_namespace(world: World, fleet: Fleet) -> Iterator[str]:
    """A new namespace. Whatever happens, it is deleted with all it holds; raises CannotProbe where it is not."""
    name = f"{PREFIX}{secrets.token_hex(4)}"
    try:
        create(world, fleet, [{"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}])
        yield name
    finally:
        kubectl(world, fleet, f"delete namespace {name} --timeout={SECONDS:.0f}s --ignore-not-found")


def create(world: World, fleet: Fleet, objects: list[Manifest]) -> None:
    """Raises CannotProbe with what the API server says. Asked twice: a connection may break on the way, and what
    is there by then stays as it is."""
    wanted = {"apiVersion": "v1", "kind": "List", "items": objects}
    if try_kubectl(world, fleet, "apply -f -", wanted).code != 0:
        kubectl(world, fleet, "apply -f -", wanted)


def kubectl(world: World, fleet: Fleet, arguments: str, stdin: Manifest | None = None) -> str:
    """stdout; raises CannotProbe. `arguments` are sh text."""
    answer = try_kubectl(world, fleet, arguments, stdin)
    if answer.code != 0:
        raise CannotProbe(f"kubectl {arguments}: {said(answer)}")
    return answer.stdout.decode()


def try_kubectl(world: World, fleet: Fleet, arguments: str, stdin: Manifest | None = None) -> Output:
    """Whatever kubectl answers; raises CannotProbe only where its host is lost."""
    text = f"{world.prelude}\nK {arguments}"
    script = Script(text, json.dumps(stdin).encode() if stdin else b"", timeout=SECONDS + 30)
    answer = fleet.run({world.state.reader: script})[world.state.reader]
    if isinstance(answer, Unreachable):
        raise CannotProbe(f"{world.state.reader}: {answer.reason}")
    return answer


def said(answer: Output) -> str:
    return answer.stderr.decode("utf-8", "replace").strip()[-500:]
