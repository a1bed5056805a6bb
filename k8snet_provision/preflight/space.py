"""Room where a run writes: bytes and inodes of each file system, and whether it can be written at all."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from shlex import quote

from k8snet_provision.change import Change, Kind
from k8snet_provision.preflight.codes import Code
from k8snet_provision.problems import Problem
from k8snet_provision.resources.probe import HostSeen, Probe, Unknown

KEY = "preflight:space"

OWN = "/var/lib/k8snet-provision"
"""Backups, the journal and the lock of a run."""

ALWAYS = ("/", OWN, "/etc")

BYTES = 64 * 1024 * 1024
INODES = 1000
"""What must be free beside what the plan writes; of a small file system a tenth of it. etcd makes its log in files of
64 MB (etcd, server/storage/wal, SegmentSizeBytes)."""

COPIES = 3
"""The new file while it is staged, the old one as a backup, and the plan in the run's journal."""

SCRIPT = r"""
look() {
  at=$1
  while [ ! -e "$at" ] && [ "$at" ]; do at=${at%/*}; done
  at=${at:-/}
  free=$(stat -f -c '%S %a %b %d %c' -- "$at") || { echo "$at: stat failed"; exit 1; }
  device=$(stat -L -c %d -- "$at") || { echo "$at: stat failed"; exit 1; }
  [ -w "$at" ] && can=yes || can=no
  printf '%s\037%s\037%s\037%s\n' "$1" "$device" "$can" "$free"
}
for pid in $(pids kubelet); do
  dir=$(flag "$pid" root-dir); dir=${dir:-/var/lib/kubelet}
  foreign "$pid" "$dir" || look "$dir"
done
for pid in $(pids etcd); do
  dir=$(etcd_setting "$pid" data-dir)
  [ -z "$dir" ] || foreign "$pid" "$dir" || look "$dir"
done
"""


@dataclass(frozen=True)
class Room:
    """One directory on its file system; sizes in bytes. `inodes` of 0 in all: the file system has no such limit."""

    path: str
    device: str
    writable: bool
    free: int
    size: int
    inodes_free: int
    inodes: int


@dataclass(frozen=True)
class Load:
    """What a plan writes on one host: bytes, files, and into which directories."""

    bytes: int = 0
    files: int = 0
    directories: frozenset[str] = frozenset()


def load(changes: Iterable[Change]) -> Load:
    """Of one host's changes."""
    written = [change for change in changes if change.kind in (Kind.FILE, Kind.CERTIFICATE)]
    sizes = [len((change.before or "").encode("utf-8", "surrogateescape")) for change in written]
    sizes += [len((change.after or "").encode("utf-8", "surrogateescape")) for change in written]
    directories = frozenset(change.name.rpartition("/")[0] or "/" for change in written)
    return Load(sum(sizes) * COPIES, len(written) * COPIES, directories)


def probe(directories: Collection[str]) -> Probe:
    asked = "\n".join(f"look {quote(path)}" for path in dict.fromkeys((*ALWAYS, *sorted(directories))))
    return Probe(KEY, f"{SCRIPT}\n{asked}")


def read(seen: HostSeen) -> list[Room]:
    """Raises Unknown."""
    rooms = []
    for line in (seen.text(KEY) or "").splitlines():
        path, _, rest = line.partition("\x1f")
        device, _, rest = rest.partition("\x1f")
        can, _, numbers = rest.partition("\x1f")
        try:
            block, free, blocks, inodes_free, inodes = map(int, numbers.split())
        except ValueError:
            raise Unknown(seen.host, "space", f"its answer cannot be read: {line[:100]!r}") from None
        rooms.append(Room(path, device, can == "yes", free * block, blocks * block, inodes_free, inodes))
    return rooms


def problems(host: str, rooms: Sequence[Room], load: Load) -> Iterator[Problem]:
    """One problem for each file system, naming what is on it."""
    for device in dict.fromkeys(room.device for room in rooms):
        there = [room for room in rooms if room.device == device]
        yield from _of_one(host, there[0], " ".join(dict.fromkeys(room.path for room in there)), load)
    for room in rooms:
        if not room.writable and room.path in {*load.directories, OWN}:
            text = f"{room.path} cannot be written"
            yield Problem(Code.NO_SPACE, text, host, "a file system that is mounted read-only", "one that is not")


def _of_one(host: str, room: Room, paths: str, load: Load) -> Iterator[Problem]:
    """What the plan writes is asked of each file system, since a file, its backup and the journal may share one."""
    wanted = load.bytes + min(BYTES, room.size // 10)
    if room.free < wanted:
        found, expected = f"{_size(room.free)} free of {_size(room.size)}", f"at least {_size(wanted)}"
        yield Problem(Code.NO_SPACE, f"too little space for {paths}", host, found, expected, "make room there")
    inodes = load.files + min(INODES, room.inodes // 10)
    if room.inodes and room.inodes_free < inodes:
        found = f"{room.inodes_free} free of {room.inodes}"
        text, expected = f"too few inodes for {paths}", f"at least {inodes}"
        yield Problem(Code.NO_INODES, text, host, found, expected, "remove files there, most likely many small ones")


def _size(size: int) -> str:
    return f"{size / 1024**3:.1f} GiB" if size >= 1024**3 else f"{size / 1024**2:.1f} MiB"
