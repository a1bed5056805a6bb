"""`lab up` and `lab down`: a lab from nothing, what is missing of one, and nothing from a lab."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable, Iterable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from k8snet_provision.lab import (
    bring_up,
    cgroups,
    cluster,
    common,
    hosts,
    keys,
    network,
    nodes,
    preflight,
    processes,
    state,
    supplies,
)
from k8snet_provision.lab.artifacts import Artifacts
from k8snet_provision.lab.cluster import Cluster, in_parallel
from k8snet_provision.lab.progress import Say
from k8snet_provision.lab.settings import Host, Lab
from k8snet_provision.lab.state import Kind, Memory, recall, remember

Fetch = Callable[[], Artifacts]


def up(lab: Lab, kind: Kind | None, fetch: Fetch, say: Say) -> None:
    """Bring the lab's hosts up, and the cluster unless `kind` is "none". Does nothing to what is up.

    `kind` None takes the kind the lab has, else systemd. Raises ProblemsFound, CommandFailed, WaitedTooLong.
    """
    preflight.check(lab, recall(lab), kind)
    fetch = cache(fetch)
    with state.held(lab):
        memory = recall(lab) or Memory(str(lab.inventory), str(lab.settings.network))
        supplies.renew_certificates(lab)
        if kind == "none":
            hosts_up(lab, lab.hosts, memory, fetch, say)
        else:
            _cluster_up(lab, kind or _kind_of(memory), memory, fetch, say)
        if not supplies.metallb_manifest(lab).exists():
            supplies.put_manifest(lab, fetch().metallb_manifest)


def _kind_of(memory: Memory) -> Kind:
    return "systemd" if memory.control_plane == "none" else memory.control_plane


def _cluster_up(lab: Lab, kind: Kind, memory: Memory, fetch: Fetch, say: Say) -> None:
    if memory.control_plane != "none" and not memory.complete:
        say("the last `lab up` did not end; beginning again")
        wipe(lab, memory.hosts)
        memory = remember(lab, replace(memory, hosts=(), control_plane="none"))
    began = now()
    memory, booted = hosts_up(lab, (*lab.hosts, lab.endpoint()), memory, fetch, say)
    made = Cluster(lab, memory.kubernetes or fetch().kubernetes_version, cluster.token(lab))
    if memory.complete:
        return _refresh(made, kind, booted, began, say)
    memory = remember(lab, replace(memory, control_plane=kind, kubernetes=made.version))
    bring_up.make(made, kind, say)
    remember(lab, replace(memory, complete=True))
    return None


def now() -> datetime:
    """The time with whole seconds, as Kubernetes writes most of its times."""
    return datetime.now(UTC).replace(microsecond=0)


def _refresh(made: Cluster, kind: Kind, booted: Iterable[Host], began: datetime, say: Say) -> None:
    """A cluster that is there: let new nodes join, wait for what was booted."""
    cluster.wait_for_api(made, [made.lab.settings.vip])
    bring_up.add_nodes(made, made.workers, say)
    settle(made, kind, booted, began)
    say(f"the cluster of {made.lab.name} is up: https://{made.lab.settings.vip}:6443")


def settle(made: Cluster, kind: Kind, booted: Iterable[Host], began: datetime) -> None:
    """Wait until what was booted after `began` does its part in the cluster again."""
    fresh = set(booted)
    control_planes = fresh.intersection(made.control_planes)
    cluster.wait_for_api(made, [*(host.address for host in control_planes), made.lab.settings.vip])
    members = fresh.intersection(made.workers) | (control_planes if kind == "kubeadm" else set())
    if members:
        nodes.wait_until_ready(made, members, began)


def hosts_up(
    lab: Lab, members: tuple[Host, ...], memory: Memory, fetch: Fetch, say: Say
) -> tuple[Memory, tuple[Host, ...]]:
    """Boot those of the hosts that are off, and say which."""
    on = processes.booters(lab)
    off = tuple(host for host in members if host.name not in on)
    if not off:
        say(f"all {len(members)} hosts are on")
        return memory, ()
    artifacts = fetch()
    known = dict.fromkeys((*memory.hosts, *(host.name for host in off)))
    memory = remember(lab, replace(memory, hosts=tuple(known)))
    network.plug_up(lab)
    keys.make(lab, members)
    supplies.put_manifest(lab, artifacts.metallb_manifest)
    disks = hosts.Disks(
        (common.build(lab, artifacts.base), artifacts.layer, artifacts.base), artifacts.images, artifacts.seed
    )

    def start(host: Host) -> None:
        hosts.pull_plug(lab, host.name)  # what a dead host left of itself
        hosts.prepare(lab, host, disks)
        hosts.boot(lab, host.name)

    in_parallel(start, off)
    hosts.wait_for_ssh(lab, off)
    say(f"{len(off)} of {len(members)} hosts booted and answer SSH: {', '.join(host.name for host in off)}")
    return memory, off


def wipe(lab: Lab, names: Iterable[str]) -> None:
    """End the hosts and remove their disks."""

    def remove(name: str) -> None:
        hosts.pull_plug(lab, name)
        shutil.rmtree(lab.directory(name), ignore_errors=True)

    with ThreadPoolExecutor(16) as pool:
        list(pool.map(remove, names))


def down(lab: Lab, say: Say) -> None:
    """End and remove everything of the lab, also what an interrupted `up` left without remembering it."""
    preflight.check_owner(lab, recall(lab))
    with state.held(lab):
        on_disk = (lab.state / "hosts").iterdir() if (lab.state / "hosts").is_dir() else ()
        names = sorted({*processes.booters(lab), *(path.name for path in on_disk)})
        wipe(lab, names)
        cgroups.purge(lab.prefix)
        network.plug_down(lab)
        _forget(lab)
    say(f"the lab {lab.name} is down: {len(names)} hosts removed")


def _forget(lab: Lab) -> None:
    keys.forget(lab)
    supplies.forget(lab)
    for directory in Path("/run/systemd/nspawn").glob(f"*/{lab.prefix}-*"):
        shutil.rmtree(directory, ignore_errors=True)
    shutil.rmtree(lab.state)
    for parent in lab.state.parents[:2]:
        with contextlib.suppress(OSError):  # another lab is there
            parent.rmdir()
