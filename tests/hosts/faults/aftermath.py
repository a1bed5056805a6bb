"""What a struck run has left: every file old or new, nothing half made, no lock."""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from cryptography import x509
from ruamel.yaml import YAML

from k8snet_provision.lab.settings import Lab
from k8snet_provision.resources.kube_object import to_text
from k8snet_provision.run_lock import SECONDS as LOCK_SECONDS
from tests.hosts import disks, objects
from tests.hosts.disks import Entry
from tests.hosts.faults.subjects import MANIFESTS
from tests.hosts.labs import LabCluster

GIVEN = ("clusterIP", "clusterIPs")

Changes = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Before:
    """The hosts' files, names in the directories whose reader takes whatever lies there, and the objects."""

    files: Mapping[str, Mapping[str, Entry]]
    names: Mapping[tuple[str, str], set[str]]
    objects: Mapping[str, str]


def look(cluster: LabCluster, lab: Lab) -> Before:
    hosts = [host.name for host in lab.everyone]
    names = {(host, place): disks.listing(lab, host, place) for host in hosts for place in MANIFESTS}
    return Before({host: disks.written(lab, host) for host in hosts}, names, objects.content(cluster, "cp1"))


@dataclass(frozen=True)
class Sides:
    """How much of a plan is there: changes that are old, new, and those that are neither, by name."""

    old: int
    new: int
    neither: tuple[str, ...] = ()

    def __str__(self) -> str:
        counted = [f"{number} {word}" for number, word in ((self.old, "old"), (self.new, "new")) if number]
        return ", ".join([*counted, *(f"MIXED: {name}" for name in self.neither)]) or "nothing planned"


def files(lab: Lab, before: Before, changes: Changes) -> Sides:
    """Byte for byte, from the disks."""
    sides = {
        f"{c['target']}:{c['name']}": _file(lab, before, c) for c in changes if c["kind"] in ("file", "certificate")
    }
    return _counted(sides)


def _file(lab: Lab, before: Before, change: Mapping[str, Any]) -> str:
    host, path = change["target"], change["name"]
    found = disks.content(lab, host, path)
    if change["kind"] == "certificate":
        return _certificate(lab, before, host, path, found or b"")
    for side in ("before", "after"):
        text = change[side]
        if found == (None if text is None else text.encode("utf-8", "surrogateescape")):
            return side
    return ""


def _certificate(lab: Lab, before: Before, host: str, path: str, found: bytes) -> str:
    """One that was issued is new when it can be read; what it says is the business of other tests."""
    if path not in disks.changed(before.files[host], disks.written(lab, host), lab, host):
        return "before"
    return "after" if x509.load_pem_x509_certificate(found) else ""


def in_cluster(cluster: LabCluster, changes: Changes) -> Sides:
    """Objects as they are now; one that is made anew may be away."""
    now = objects.content(cluster, "cp1")
    return _counted({c["name"]: _object(now, c) for c in changes if c["kind"] == "object"})


def _object(now: Mapping[str, str], change: Mapping[str, Any]) -> str:
    (key,) = objects.planned([change])
    text = to_text(json.loads(now[key])) if key in now else None
    if text == change["before"]:
        return "before"
    away = text is None and change["details"].get("how") in ("recreate", "by-apiserver")
    return "after" if away or _says(text, change["after"]) or _by_apiserver(text, change) else ""


def _says(text: str | None, planned: str | None) -> bool:
    """Whether the object has all that was planned, and beside that only what the API server gives to one that is made:
    its ClusterIP and what follows from it (reference of Services)."""
    if text is None or planned is None:
        return text == planned
    yaml = YAML(typ="safe")
    found, wanted = yaml.load(text), yaml.load(planned)
    if found["kind"] == "Service" and "clusterIP" not in wanted["spec"]:
        found["spec"] = {key: value for key, value in found["spec"].items() if key not in GIVEN}
    return bool(found == wanted)


def _by_apiserver(text: str | None, change: Mapping[str, Any]) -> bool:
    return text is not None and change["details"].get("how") == "by-apiserver"


def _counted(sides: Mapping[str, str]) -> Sides:
    count = Counter(sides.values())
    return Sides(count["before"], count["after"], tuple(name for name, side in sides.items() if not side))


def strays(lab: Lab, before: Before, changes: Changes) -> list[str]:
    """Names that nobody planned, in directories that are read whole, and what was on its way to become a file."""
    planned = {(c["target"], c["name"]) for c in changes}
    found = []
    for (host, place), names in before.names.items():
        more = disks.listing(lab, host, place) - names
        found += [f"{host}:{place}/{name}" for name in sorted(more) if (host, f"{place}/{name}") not in planned]
    return found + [f"{host.name}:{path}" for host in lab.everyone for path in disks.staged(lab, host.name)]


def unplanned(lab: Lab, before: Before, changes: Changes) -> Iterator[str]:
    """Files that changed although no change names them."""
    planned = {(c["target"], c["name"]) for c in changes}
    for host, entries in before.files.items():
        for path in disks.changed(entries, disks.written(lab, host), lab, host):
            if (host, path) not in planned:
                yield f"{host}:{path}"


def locks(cluster: LabCluster, lab: Lab) -> list[str]:
    """The run's lock, wherever it still keeps others out: files of control planes, and the Lease.

    One that its holder could not give back is no lock any more when it has given no sign of life for its time.
    """
    found = []
    for host in lab.group("kube_control_plane"):
        own = lab.root(host.name) / disks.OWN.lstrip("/")
        found += [f"{host.name}:{path.name}" for path in own.glob("lock*") if _young(path.stat().st_mtime)]
    text = cluster.kubectl("-n kube-system get lease k8snet-provision --ignore-not-found -o json")
    renewed = json.loads(text)["spec"]["renewTime"] if text.strip() else "1970-01-01T00:00:00Z"
    return [*found, *(["Lease"] if _young(datetime.fromisoformat(renewed).timestamp()) else [])]


def age_locks(cluster: LabCluster, lab: Lab) -> None:
    """As if their holder, which is dead, had died the lock's time earlier.

    That nobody takes a dead holder's lock before that time has really passed is seen in test_run_lock.
    """
    for host in lab.group("kube_control_plane"):
        cluster.on(host.name, AGE)
    text = cluster.kubectl("-n kube-system get lease k8snet-provision --ignore-not-found -o json")
    if text.strip():
        earlier = datetime.fromisoformat(json.loads(text)["spec"]["renewTime"]) - timedelta(seconds=LOCK_SECONDS)
        patch = json.dumps({"spec": {"renewTime": earlier.strftime("%Y-%m-%dT%H:%M:%S.%fZ")}})
        cluster.kubectl(f"-n kube-system patch lease k8snet-provision --type=merge -p '{patch}'")


AGE = f"""
lock={disks.OWN}/lock
[ -e "$lock" ] || exit 0
{{ read -r id; read -r who; read -r since; read -r boot; read -r up; }} <"$lock"
printf '%s\\n' "$id" "$who" "$since" "$boot" "$((up - {LOCK_SECONDS:.0f}))" >"$lock"
touch -d '{LOCK_SECONDS:.0f} seconds ago' "$lock"
"""
"""The file says how long the host had been up at the last sign of life (run_lock/file.py)."""


def _young(written: float) -> bool:
    return time.time() - written < LOCK_SECONDS
