"""Who changed what: as the API server keeps it for each field, as a host's file system keeps it for a file."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.drift.finding import Finding
from k8snet_provision.resources import fields, ownership
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.seen import World

Traces = Mapping[tuple[str, str], str]
"""What is known of a file by host and path."""

CHANGED = "changed "

SCRIPT = """LC_ALL=C; export LC_ALL
while IFS= read -r p; do
  if s=$(stat -L -c '%Y %U' -- "$p" 2>/dev/null); then echo "changed $s"
  elif s=$(stat -L -c '%Y %U' -- "${p%/*}" 2>/dev/null); then echo "removed $s"
  else echo "- - -"; fi
done
"""
"""sh that tells a line for each path of its input; of what is not there the directory tells when something went."""


def files(changes: Iterable[Change], written_in: Mapping[Finding, Iterable[str]]) -> dict[str, list[str]]:
    """The paths to look at on each host: only of what is not as it should be, and of what findings rest on."""
    paths: dict[str, dict[str, None]] = {}
    for change in changes:
        if change.kind is Kind.FILE and change.target != CLUSTER:
            paths.setdefault(change.target, {})[change.name] = None
    for finding, behind in written_in.items():
        paths.setdefault(finding.target, {}).update(dict.fromkeys(behind))
    return {host: [path for path in of_host if "\n" not in path] for host, of_host in paths.items()}


def of_files(seen: Traces, host: str, paths: Iterable[str]) -> str:
    """The one of several files that was changed last."""
    told = [(seen[host, path], path) for path in paths if seen.get((host, path), "").startswith(CHANGED)]
    return " ".join(max(told)[::-1]) if told else ""


def asked(paths: Iterable[str]) -> bytes:
    """The input of SCRIPT, a path a line."""
    return "".join(f"{path}\n" for path in paths).encode("utf-8", "surrogateescape")


def traces(host: str, paths: Sequence[str], said: bytes) -> Traces:
    found = {}
    for path, line in zip(paths, said.decode("utf-8", "replace").splitlines(), strict=False):
        verb, seconds, owner = line.split(" ", 2)
        if verb == "changed":
            found[host, path] = f"{CHANGED}{_moment(seconds)}, owner {owner}"
        elif verb == "removed":
            found[host, path] = f"its directory changed {_moment(seconds)}"
    return found


def _moment(seconds: str) -> str:
    return f"{datetime.fromtimestamp(int(seconds), UTC):%Y-%m-%dT%H:%M:%SZ}"


def of_change(world: World, seen: Traces, change: Change) -> str:
    """Empty where nobody can tell."""
    if change.kind is Kind.FILE:
        return seen.get((change.target, change.name), "")
    if change.kind is Kind.OBJECT and change.before is not None and not change.secret:
        return _of_object(world, change)
    return ""


def _of_object(world: World, change: Change) -> str:
    """The manager that last set any of the fields that differ; of an object that should not be there any of them."""
    manifest: Manifest = json.loads(change.details["manifest"])
    live = world.live(ObjectRef.of(manifest))
    if live is None:
        return ""
    wanted = world.after_apply(manifest) if change.details.get("how") == "apply" else manifest
    paths = ownership.differing(live, wanted) if change.after is not None else [*live]
    last = ownership.last_writer(live, paths)
    return _named(live, *last) if last else ""


def _named(live: Manifest, manager: str, time: str) -> str:
    """With what it did; the server keeps no time of scaling."""
    entries = [one for one in fields.entries(live) if (one.manager, one.time) == (manager, time)]
    operation = entries[0].operation if entries else ""
    return f"{manager} ({operation}) at {time}" if time else f"{manager} ({operation})"
