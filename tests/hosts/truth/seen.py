"""What is there, seen without the tool; and what of it changed against what a plan said."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from k8snet_provision.lab.settings import Lab
from k8snet_provision.resources import module, sysctl
from tests.hosts import disks, objects
from tests.hosts.disks import Entry
from tests.hosts.labs import LabCluster
from tests.hosts.objects import Objects

Changes = Sequence[Mapping[str, Any]]
"""A plan's changes, as `diff --output json` prints them."""

KEPT_IN = {"sysctl": sysctl.KEPT_IN, "module": module.KEPT_IN}
"""The file that a change on a host is kept in, where it is not the file that it names."""


@dataclass(frozen=True)
class Seen:
    """The files of each host that are not as its disk began, and the cluster's objects."""

    files: Mapping[str, Mapping[str, Entry]]
    objects: Objects


def look(cluster: LabCluster, lab: Lab) -> Seen:
    """Objects last: what a controller still had to do by then is seen."""
    files = {host.name: disks.written(lab, host.name) for host in lab.everyone}
    return Seen(files, objects.look(cluster))


def untold(lab: Lab, before: Seen, after: Seen, changes: Changes) -> Iterator[str]:
    """Where what really changed and the plan are not the same, one line each; nothing where they are."""
    yield from _files(lab, before, after, changes)
    really, planned = objects.written(before.objects, after.objects), objects.planned(changes)
    yield from (f"etcd: {key} was written and is not in the plan" for key in sorted(really - planned))
    yield from (f"etcd: {key} is in the plan and was not written" for key in sorted(planned - really))


def _files(lab: Lab, before: Seen, after: Seen, changes: Changes) -> Iterator[str]:
    planned = {(host, path): change for change in changes for host, path in _file_of(change)}
    really = {
        (host, path): sides
        for host in after.files
        for path, sides in disks.changed(before.files[host], after.files[host], lab, host).items()
    }
    for (host, path), change in planned.items():
        if (host, path) not in really:
            yield f"{host}: {path} is in the plan and did not change"
        elif change["kind"] == "file":
            yield from _as_planned(host, path, really[host, path], change)
    yield from (
        f"{host}: {path} changed and is not in the plan" for host, path in really if (host, path) not in planned
    )


def _file_of(change: Mapping[str, Any]) -> Iterable[tuple[str, str]]:
    if change["kind"] in ("file", "certificate"):
        yield change["target"], change["name"]
    elif change["kind"] in KEPT_IN:
        yield change["target"], KEPT_IN[change["kind"]]


def _as_planned(host: str, path: str, sides: tuple[Entry, Entry], change: Mapping[str, Any]) -> Iterator[str]:
    for side, found in zip(("before", "after"), sides, strict=True):
        text, mode = change[side], change["details"].get(f"{side}_mode", "")
        wanted = None if text is None else hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()
        if found.gone != (text is None) or (wanted is not None and (found.content, found.mode) != (wanted, mode)):
            yield f"{host}: {path}: its content or mode {side} the apply is not the plan's"


def unlike(lab: Lab, before: Seen, after: Seen) -> Iterator[str]:
    """What is not as it was: files byte for byte, objects by all that they say."""
    for host in after.files:
        for path in disks.changed(before.files[host], after.files[host], lab, host):
            yield f"{host}: {path} is not as it was"
    for key, (was, now) in objects.differing(before.objects, after.objects).items():
        yield f"etcd: {key} is not as it was: {_apart(was, now)}"


def _apart(was: str, now: str, around: int = 60) -> str:
    """The place where two texts part."""
    place = next((i for i, (a, b) in enumerate(zip(was, now, strict=False)) if a != b), min(len(was), len(now)))
    start = max(0, place - around)
    return f"...{was[start : place + around]!r} before, ...{now[start : place + around]!r} now"
