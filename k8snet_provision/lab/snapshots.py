"""Snapshots: the disks of all hosts under a label, to come back to a cluster as it was without making it again."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import cache
from pathlib import Path

from k8snet_provision.lab import cluster, hosts, lifecycle, state
from k8snet_provision.lab.cluster import Cluster
from k8snet_provision.lab.lifecycle import Fetch
from k8snet_provision.lab.progress import Say
from k8snet_provision.lab.settings import Lab
from k8snet_provision.lab.state import Memory
from k8snet_provision.problems import Problem, ProblemsFound

_COPIED = ("upper", "kubelet")
_COPY_SECONDS = 300


def snapshot(lab: Lab, label: str, fetch: Fetch, say: Say) -> None:
    """Shut all hosts down, keep their disks as `label` in place of an older one, and boot them again."""
    top = _directory(lab, label)
    with state.held(lab):
        memory = _memory(lab)
        _all(memory, lambda name: hosts.power_off(lab, name))
        partial = top.with_name(f".{label}")
        shutil.rmtree(partial, ignore_errors=True)
        _all(memory, lambda name: _copy(lab.directory(name), partial / name))
        shutil.rmtree(top, ignore_errors=True)
        partial.rename(top)
        say(f"the disks of {len(memory.hosts)} hosts are kept as {label}")
        _boot(lab, memory, fetch, say)


def restore(lab: Lab, label: str, fetch: Fetch, say: Say) -> None:
    """Take the power of all hosts away, put the disks of `label` back and boot. Hosts that are newer than
    the snapshot are removed. Raises ProblemsFound when there is no such snapshot."""
    top = _directory(lab, label)
    if not top.is_dir():
        kept = ", ".join(sorted(path.name for path in top.parent.glob("[!.]*"))) or "none"
        text = f"the lab {lab.name} has no snapshot {label}"
        raise ProblemsFound([Problem("K8N517", text, str(lab.inventory), found=kept)])
    with state.held(lab):
        memory = _memory(lab)
        _all(memory, lambda name: _put_back(lab, name, top / name))
        names = tuple(name for name in memory.hosts if (top / name).is_dir())
        lifecycle.wipe(lab, set(memory.hosts) - set(names))
        memory = state.remember(lab, replace(memory, hosts=names))
        say(f"the disks of {len(names)} hosts are as they were at {label}")
        _boot(lab, memory, fetch, say)


def _directory(lab: Lab, label: str) -> Path:
    if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,40}", label):
        text = "the label of a snapshot has lower-case letters, digits and dashes"
        raise ProblemsFound([Problem("K8N517", text, str(lab.inventory), found=repr(label))])
    return lab.state / "snapshots" / label


def _memory(lab: Lab) -> Memory:
    memory = state.recall(lab)
    if memory is None or (memory.control_plane != "none" and not memory.complete):
        hint = f"`k8snet-provision lab up {lab.inventory}` first"
        raise ProblemsFound([Problem("K8N518", f"the lab {lab.name} is not up", str(lab.inventory), hint=hint)])
    return memory


def _all(memory: Memory, action: Callable[[str], None]) -> None:
    with ThreadPoolExecutor(16) as pool:
        list(pool.map(action, memory.hosts))


def _put_back(lab: Lab, name: str, kept: Path) -> None:
    hosts.pull_plug(lab, name)
    if kept.is_dir():
        for part in (*_COPIED, "containerd"):
            shutil.rmtree(lab.directory(name) / part)
        _copy(kept, lab.directory(name))


def _copy(source: Path, target: Path) -> None:
    """Copy a host's disk; image layers, which nothing writes to and the hosts share, are linked again."""
    target.mkdir(parents=True, exist_ok=True)
    _cp("-a", *(str(source / part) for part in _COPIED), str(target))
    _cp("-al", str(source / "containerd"), str(target))
    for path, _, files in os.walk(target / "containerd"):
        for name in files:
            file = Path(path, name)
            found = file.lstat()
            # Two names are the two copies just made of a file of this host's own; a shared one has more.
            if found.st_nlink == 2 and not file.is_symlink():
                _cp("-a", "--remove-destination", str(source / file.relative_to(target)), str(file))


def _cp(*arguments: str) -> None:
    subprocess.run(["cp", *arguments], check=True, capture_output=True, timeout=_COPY_SECONDS)


def _boot(lab: Lab, memory: Memory, fetch: Fetch, say: Say) -> None:
    began = lifecycle.now()
    whole = lab.limited(memory.hosts)
    members = tuple(lab.host(name) for name in memory.hosts)
    fetch = cache(fetch)
    lifecycle.hosts_up(whole, members, memory, fetch, say)
    if memory.control_plane != "none":
        made = Cluster(whole, memory.kubernetes, cluster.token(lab))
        lifecycle.settle(made, memory.control_plane, members, began)
        say("nodes and pods are Ready")
