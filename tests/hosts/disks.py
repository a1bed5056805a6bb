"""What is on the hosts' disks, read by the machine from the lab's own directories: nobody on the host is asked.

A host's root is an overlay: what was written since it was made lies in its upper directory, what it began with below.
"""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from k8snet_provision.lab.settings import Lab

CHURN = {
    "/var/log": "every program writes its diary",
    "/run": "gone after a boot",
    "/tmp": "gone after a boot",
    "/var/tmp": "other programs' drafts",
    "/var/cache": "made again by whoever needs it",
    "/var/lib/etcd": "the cluster's objects; they are compared by their keys",
    "/var/lib/kubelet": "of the kubelet for its Pods; its configuration is read on its own",
    "/var/lib/containerd": "images and containers",
    "/var/lib/cni": "the network plugin's leases of Pod addresses",
    "/etc/cni/net.d/.kubernetes-cni-keep": "the package's",
    "/var/lib/systemd": "when timers ran last",
    "/root/.kube": "kubectl's cache of what the API serves",
}
"""What a running host writes by itself, by the path it lies below, and why it says nothing about an apply."""

OWN = "/var/lib/k8snet-provision"
"""The tool's own: backups, its lock, its runs."""

KUBELET = "/var/lib/kubelet"
"""A directory of its own in the lab; the kubelet's configuration is the only file of it that an operator writes."""

STAGED = (".k8snet-provision", ".part")
"""Names of what is on its way to become a file."""


@dataclass(frozen=True)
class Entry:
    """A file as it is: its content's SHA-256 (a link's target), mode and owner. `gone`: removed, though it is below."""

    content: str = ""
    mode: str = ""
    owner: str = ""
    gone: bool = False


ABSENT = Entry(gone=True)

Files = Mapping[str, Entry]
"""By path inside the host."""


def written(lab: Lab, host: str) -> dict[str, Entry]:
    """Every file of the host that is not as the host's disk began, but for CHURN and OWN."""
    upper = lab.directory(host) / "upper"
    found = {path: entry for path, entry in _walk(upper, upper) if not below(path, (*CHURN, OWN))}
    config = lab.directory(host) / "kubelet" / "config.yaml"
    if config.exists():
        found[f"{KUBELET}/config.yaml"] = _entry(config)
    return {path: entry for path, entry in found.items() if entry != _below(lab, host, path)}


def changed(before: Files, after: Files, lab: Lab, host: str) -> dict[str, tuple[Entry, Entry]]:
    """The files that are not what they were, with both sides."""
    pairs = {
        path: (before.get(path) or _below(lab, host, path), after.get(path) or _below(lab, host, path))
        for path in {*before, *after}
    }
    return {path: pair for path, pair in sorted(pairs.items()) if pair[0] != pair[1]}


def content(lab: Lab, host: str, path: str) -> bytes | None:
    """A file's bytes as they lie on the disk now; None where there is none."""
    if path.startswith(f"{KUBELET}/"):
        places = [lab.directory(host) / "kubelet" / path.removeprefix(f"{KUBELET}/")]
    else:
        places = [top / path.lstrip("/") for top in (lab.directory(host) / "upper", *_lower(lab, host))]
    for place in places:
        if os.path.lexists(place):
            return None if _is_whiteout(place.lstat()) else place.read_bytes()
    return None


def staged(lab: Lab, host: str) -> list[str]:
    """What was on its way to become a file and was left there, anywhere on the host, the tool's own room included."""
    upper = lab.directory(host) / "upper"
    kept = f"{OWN}/runs"  # scripts and copies of a run are what they are called
    return sorted(
        path
        for path in (_inside(upper, Path(top, name)) for top, names, files in os.walk(upper) for name in names + files)
        if any(mark in path.rpartition("/")[2] for mark in STAGED) and not below(path, (*CHURN, kept))
    )


def listing(lab: Lab, host: str, directory: str) -> set[str]:
    """Names in a directory of the host, as it is mounted now."""
    place = lab.root(host) / directory.lstrip("/")
    return {path.name for path in place.iterdir()} if place.is_dir() else set()


def below(path: str, places: tuple[str, ...]) -> bool:
    return any(path == place or path.startswith(f"{place}/") for place in places)


def _inside(upper: Path, path: Path) -> str:
    return f"/{path.relative_to(upper)}"


def _walk(upper: Path, top: Path) -> Iterator[tuple[str, Entry]]:
    for directory, names, files in os.walk(top):
        names[:] = [name for name in names if not below(_inside(upper, Path(directory, name)), (*CHURN, OWN))]
        for name in (*files, *(name for name in names if Path(directory, name).is_symlink())):
            path = Path(directory, name)
            try:
                yield _inside(upper, path), _entry(path)
            except FileNotFoundError:  # gone since it was listed
                continue


def _entry(path: Path) -> Entry:
    status = path.lstat()
    if _is_whiteout(status):
        return ABSENT
    owner = f"{status.st_uid}:{status.st_gid}"
    if stat.S_ISLNK(status.st_mode):
        return Entry(f"-> {path.readlink()}", "link", owner)
    if not stat.S_ISREG(status.st_mode):
        return Entry("", stat.filemode(status.st_mode), owner)
    return Entry(hashlib.sha256(path.read_bytes()).hexdigest(), f"{stat.S_IMODE(status.st_mode):o}", owner)


def _is_whiteout(status: os.stat_result) -> bool:
    """overlayfs (kernel documentation): a character device 0/0 says that what lies below is removed."""
    return stat.S_ISCHR(status.st_mode) and status.st_rdev == 0


def _below(lab: Lab, host: str, path: str) -> Entry:
    for lower in _lower(lab, host):
        place = lower / path.lstrip("/")
        if os.path.lexists(place):
            return _entry(place)
    return ABSENT


@cache
def _lower(lab: Lab, host: str) -> tuple[Path, ...]:
    """The directories under the host's upper one, from top to bottom, as its mount has them."""
    root = str(lab.root(host))
    for line in Path("/proc/mounts").read_text().splitlines():
        _, place, kind, options, *_ = line.split()
        if (place, kind) == (root, "overlay"):
            given = dict(option.partition("=")[::2] for option in options.split(","))
            return tuple(map(Path, given["lowerdir"].split(":")))
    raise LookupError(f"{root} is not mounted")
