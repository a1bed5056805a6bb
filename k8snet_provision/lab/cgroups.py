"""One cgroup per host in every hierarchy of the machine: version 1, hybrid or unified.

Without a cgroup of its own each host's cgroup namespace would have the machine's root, and all kubelets
would share one /kubepods.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path

_MOUNT = Path("/sys/fs/cgroup")
_PURGE_SECONDS = 10.0


@cache
def hierarchies() -> tuple[Path, ...]:
    """The mount points of the machine's cgroup hierarchies; one of them when it is unified."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    return tuple(dict.fromkeys(Path(m[1]) for m in mounts if m[2] in ("cgroup", "cgroup2")))


def of(*parts: str) -> tuple[Path, ...]:
    """The directories of one cgroup, `parts` being its path below the root, in every hierarchy."""
    return tuple(hierarchy.joinpath(*parts) for hierarchy in hierarchies())


def make(lab: str, host: str) -> tuple[Path, ...]:
    """Make the host's cgroup everywhere and say where."""
    for hierarchy in hierarchies():
        parent = hierarchy
        for part in (lab, host):
            _open_to_children(parent)
            parent = parent / part
            parent.mkdir(exist_ok=True)
            _inherit_cpuset(parent)
    return of(lab, host)


def _open_to_children(group: Path) -> None:
    """A unified hierarchy gives a child only the controllers that its parent hands down."""
    available = group / "cgroup.controllers"
    if available.exists():
        wanted = " ".join(f"+{name}" for name in available.read_text().split())
        (group / "cgroup.subtree_control").write_text(wanted)


def _inherit_cpuset(group: Path) -> None:
    """A version 1 cpuset takes no task before it has processors and memory nodes."""
    for name in ("cpuset.cpus", "cpuset.mems"):
        file = group / name
        if file.exists() and not file.read_text().strip() and (group.parent / "tasks").exists():
            file.write_text((group.parent / name).read_text())


def tasks(*parts: str) -> frozenset[int]:
    """The processes of a cgroup and of all below it, in any hierarchy."""
    return frozenset(pid for group in of(*parts) for member in _tree(group) for pid in _members(member))


def _members(group: Path) -> Iterator[int]:
    with contextlib.suppress(OSError):
        # 0 is a process of another PID namespace: none of ours, and kill(0) would end ourselves.
        yield from (int(pid) for pid in (group / "cgroup.procs").read_text().split() if pid != "0")


def _tree(group: Path) -> Iterator[Path]:
    """The group and all below it, children first."""
    for path, _, _ in os.walk(group, topdown=False):
        yield Path(path)


def purge(*parts: str) -> None:
    """End every process of the cgroup and remove it. Raises TimeoutError naming what would not go."""
    deadline = time.monotonic() + _PURGE_SECONDS
    while any(group.exists() for group in of(*parts)):
        for pid in tasks(*parts):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        for group in of(*parts):
            for member in _tree(group):
                with contextlib.suppress(OSError):
                    member.rmdir()
        if time.monotonic() > deadline:
            raise TimeoutError(f"cgroup {'/'.join(parts)} still has {sorted(tasks(*parts))}")
        time.sleep(0.02)


def resident_bytes(*parts: str) -> int:
    """Anonymous memory of the cgroup and all below it, in bytes; 0 where it is not counted."""
    for group in of(*parts):
        file = group / "memory.stat"
        if file.exists():
            values = dict(line.split() for line in file.read_text().splitlines())
            return int(values.get("total_rss", values.get("anon", 0)))
    return 0
