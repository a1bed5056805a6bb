"""Which processes restart, reload, start or stop because of a batch's changes, as the changes themselves say."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML

from k8snet_provision.change import Action, Change, Kind, reloads, restarts
from k8snet_provision.forecast.model import Process, What
from k8snet_provision.resources.kube_object import RECREATE

WORKLOADS = ("Deployment", "DaemonSet", "StatefulSet")


def processes(batch: Mapping[str, Sequence[Change]]) -> tuple[Process, ...]:
    """Of a batch's changes by target; each process once, with the targets where it happens."""
    found: dict[tuple[What, str], dict[str, None]] = {}
    for target, changes in batch.items():
        for what, name in _of(changes):
            found.setdefault((what, name), {})[target] = None
    in_order = sorted(found.items(), key=lambda item: list(What).index(item[0][0]))
    return tuple(Process(name, what, tuple(targets)) for (what, name), targets in in_order)


def _of(changes: Sequence[Change]) -> Iterator[tuple[What, str]]:
    yield from ((What.RESTART, unit) for unit in restarts(changes))
    yield from ((What.RELOAD, unit) for unit in reloads(changes))
    for change in changes:
        if change.kind is Kind.RESTART:
            yield What.RESTART, change.name
        elif change.kind is Kind.UNIT:
            yield from _turned(change)
        elif change.kind is Kind.OBJECT and change.name.split(" ")[0] in WORKLOADS:
            yield from _workload(change)
        elif change.kind is Kind.FILE and not change.restarts and "program" in change.details:
            yield What.RESTART, change.details["program"]  # a static pod: the kubelet sees to it
        elif change.kind is Kind.RULES:  # they go while no process works on them
            yield What.RESTART, change.details.get("unit") or "kube-proxy"


def _turned(change: Change) -> Iterator[tuple[What, str]]:
    before, after = (bool(change.details.get(f"{side}_active")) for side in ("before", "after"))
    if before != after:
        yield What.START if after else What.STOP, change.name


def _workload(change: Change) -> Iterator[tuple[What, str]]:
    """Pods are replaced where their template changes; a number of replicas alone replaces none."""
    if change.action is Action.CREATE:
        yield What.START, change.name
    elif change.action is Action.DELETE:
        yield What.STOP, change.name
    elif change.details.get("how") == RECREATE or _template(change.before) != _template(change.after):
        yield What.RESTART, change.name


def _template(text: str | None) -> Any:
    """The Pods' template without what only names or explains it."""
    manifest = YAML(typ="safe").load(io.StringIO(text or "")) or {}
    return (manifest.get("spec") or {}).get("template")
