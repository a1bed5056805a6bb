"""What a machine must have for a lab, checked before anything is made."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

from k8snet_provision.lab import network
from k8snet_provision.lab.settings import STATE_ROOT, Lab
from k8snet_provision.lab.state import Kind, Memory
from k8snet_provision.problems import Problem, ProblemsFound

_MACHINE = "this machine"
_PROGRAMS = {
    "systemd-nspawn": "systemd-container",
    "ip": "iproute2",
    "ssh-keygen": "openssh-client",
    "nsenter": "util-linux",
}
# Measured with 3 control planes, 2 workers and 2 load balancers, and rounded up.
_MEMORY_MIB = {"host": 60, "kube_control_plane": 450, "kube_node": 250}
_DISK_MIB_PER_HOST = 700
_UNFIT = ("overlay", "tmpfs", "nfs", "nfs4", "fuse")


def check(lab: Lab, memory: Memory | None, kind: Kind | None) -> None:
    """Raises ProblemsFound with everything that stands against bringing this lab up.

    `kind` is the wanted kind of control plane; None leaves it as it is.
    """
    check_owner(lab, memory)
    if memory is None:
        problems = [*_cluster(lab, kind), *_room(lab, kind != "none")]
    else:
        problems = [*_cluster(lab, kind), *_same_cluster(lab, memory, kind)]
    if problems:
        raise ProblemsFound(problems)


def check_owner(lab: Lab, memory: Memory | None) -> None:
    """Raises ProblemsFound unless this command may change the lab: its programs, its rights, its inventory."""
    if problems := list(_privileges()) or list(_same_lab(lab, memory)):
        raise ProblemsFound(problems)


def _privileges() -> Iterator[Problem]:
    if os.geteuid() != 0:
        yield Problem(
            "K8N510", "the lab makes network namespaces and mounts, which takes root", _MACHINE, hint="run it with sudo"
        )
    missing = [package for program, package in _PROGRAMS.items() if shutil.which(program) is None]
    if missing:
        programs = ", ".join(program for program in _PROGRAMS if shutil.which(program) is None)
        yield Problem("K8N511", f"{programs} not found", _MACHINE, hint=f"apt-get install {' '.join(missing)}")


def _same_lab(lab: Lab, memory: Memory | None) -> Iterator[Problem]:
    if memory is None:
        return
    if memory.inventory != str(lab.inventory) and Path(memory.inventory).exists():
        text = f"a lab named {lab.name} is already there, made of another inventory"
        hint = f"`k8snet-provision lab down {memory.inventory}` first, or give this one another lab.name"
        yield Problem("K8N514", text, str(lab.inventory), found=memory.inventory, hint=hint)
    elif memory.network != str(lab.settings.network):
        text = f"the lab {lab.name} is already there, on another network"
        hint = f"`k8snet-provision lab down {memory.inventory}` first"
        yield Problem("K8N514", text, str(lab.inventory), memory.network, str(lab.settings.network), hint)


def _cluster(lab: Lab, kind: Kind | None) -> Iterator[Problem]:
    if kind == "none":
        return
    hint = "--hosts-only boots hosts without a cluster"
    for group, hosts in (
        ("kube_control_plane", lab.group("kube_control_plane")),
        ("kube_node", lab.group("kube_node")),
    ):
        if not hosts:
            yield Problem("K8N505", f"a cluster needs a host of the group {group}", str(lab.inventory), hint=hint)
    if stray := [host.name for host in lab.group("etcd") if "kube_control_plane" not in host.groups]:
        text = "the lab runs etcd on control planes only"
        yield Problem("K8N505", text, str(lab.inventory), found=", ".join(stray))
    if not lab.group("etcd"):
        yield Problem("K8N505", "a cluster needs a host of the group etcd", str(lab.inventory), hint=hint)


def _same_cluster(lab: Lab, memory: Memory, kind: Kind | None) -> Iterator[Problem]:
    if kind == "none" or not memory.complete:
        return
    hint = f"`k8snet-provision lab down {lab.inventory}` first"
    if kind not in (None, memory.control_plane):
        text = f"the lab {lab.name} has a control plane of another kind"
        yield Problem("K8N516", text, str(lab.inventory), memory.control_plane, str(kind), hint)
    if new := [host.name for host in lab.group("kube_control_plane") if host.name not in memory.hosts]:
        text = "control planes can not be added to a cluster that is there; nodes can"
        yield Problem("K8N516", text, str(lab.inventory), found=", ".join(new), hint=hint)


def _room(lab: Lab, cluster: bool) -> Iterator[Problem]:
    need = sum(_host_memory(host.groups, cluster) for host in lab.hosts)
    have = available_memory_mib()
    if have < need:
        hint = "--limit HOSTS makes a smaller lab"
        yield Problem("K8N512", "too little memory", _MACHINE, f"{have} MiB available", f"{need} MiB", hint)
    yield from _disk(len(lab.hosts) * _DISK_MIB_PER_HOST if cluster else 100)
    if users := network.users_of(lab.settings.network, lab.bridge):
        hint = "`k8snet-provision lab clone` makes an inventory with another network"
        text = f"the network {lab.settings.network} is in use on this machine"
        yield Problem("K8N513", text, str(lab.inventory), found="; ".join(users), hint=hint)


def _host_memory(groups: frozenset[str], cluster: bool) -> int:
    return _MEMORY_MIB["host"] + sum(_MEMORY_MIB.get(group, 0) for group in groups if cluster)


def available_memory_mib() -> int:
    lines = Path("/proc/meminfo").read_text().splitlines()
    return next(int(line.split()[1]) // 1024 for line in lines if line.startswith("MemAvailable:"))


def _disk(need_mib: int) -> Iterator[Problem]:
    there = next(path for path in (STATE_ROOT, *STATE_ROOT.parents) if path.exists())
    if (kind := _file_system(there)) in _UNFIT:
        text = f"the disks of hosts can not lie on {kind}"
        yield Problem("K8N512", text, str(STATE_ROOT), found=kind, expected="ext4 or xfs")
    have = shutil.disk_usage(there).free >> 20
    if have < need_mib:
        yield Problem("K8N512", "too little disk", str(STATE_ROOT), f"{have} MiB free", f"{need_mib} MiB")


def _file_system(path: Path) -> str:
    """The kind of file system a path lies on: of the deepest mount point above it."""
    mounts = (line.split() for line in Path("/proc/mounts").read_text().splitlines())
    above = [(len(m[1]), m[2]) for m in mounts if path.is_relative_to(m[1])]
    return max(above, default=(0, "unknown"))[1]
