"""`lab up` and `lab down`: a lab from nothing, what is missing of one, and nothing from a lab."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from k8snet_provision.lab import bring_up, cgroups, cluster, common, hosts, keys, network, preflight, processes, state
from k8snet_provision.lab.cluster import Cluster, in_parallel
from k8snet_provision.lab.progress import Say
from k8snet_provision.lab.settings import Host, Lab
from k8snet_provision.lab.state import Kind, Memory, recall, remember

if TYPE_CHECKING:
    from k8snet_provision.lab.artifacts import Artifacts

Fetch = Callable[[], "Artifacts"]


def up(lab: Lab, kind: Kind, fetch: Fetch, say: Say) -> None:
    """Bring the lab's hosts up, and the cluster unless `kind` is none. Does nothing to what is up.

    Raises ProblemsFound, CommandFailed, WaitedTooLong.
    """
    preflight.check(lab, recall(lab), kind != "none")
    with state.held(lab):
        memory = recall(lab) or Memory(str(lab.inventory), str(lab.settings.network))
        if kind == "none":
            _hosts_up(lab, lab.hosts, memory, fetch, say)
            return
        memory = _hosts_up(lab, (*lab.hosts, lab.endpoint()), memory, fetch, say)
        if not memory.complete:
            memory = remember(lab, replace(memory, control_plane=kind))
            bring_up.make(Cluster(lab, fetch().kubernetes_version, cluster.token(lab)), say)
            remember(lab, replace(memory, complete=True))


def _hosts_up(lab: Lab, members: tuple[Host, ...], memory: Memory, fetch: Fetch, say: Say) -> Memory:
    on = processes.booters(lab)
    off = tuple(host for host in members if host.name not in on)
    if not off:
        say(f"all {len(members)} hosts are on")
        return memory
    artifacts = fetch()
    known = dict.fromkeys((*memory.hosts, *(host.name for host in off)))
    memory = remember(lab, replace(memory, hosts=tuple(known)))
    network.plug_up(lab)
    keys.make(lab, members)
    disks = _disks(lab, artifacts)

    def start(host: Host) -> None:
        hosts.pull_plug(lab, host.name)  # what a dead host left of itself
        hosts.prepare(lab, host, disks)
        hosts.boot(lab, host.name)

    in_parallel(start, off)
    hosts.wait_for_ssh(lab, off)
    say(f"{len(off)} of {len(members)} hosts booted and answer SSH: {', '.join(host.name for host in off)}")
    return memory


def _disks(lab: Lab, artifacts: Artifacts) -> hosts.Disks:
    top = common.build(lab, artifacts.base)
    return hosts.Disks((top, artifacts.layer, artifacts.base), artifacts.images, artifacts.seed)


def down(lab: Lab, say: Say) -> None:
    """End and remove everything of the lab, also what an interrupted `up` left without remembering it."""
    with state.held(lab):
        on_disk = (lab.state / "hosts").iterdir() if (lab.state / "hosts").is_dir() else ()
        names = {*processes.booters(lab), *(path.name for path in on_disk)}
        with ThreadPoolExecutor(16) as pool:
            list(pool.map(lambda name: hosts.pull_plug(lab, name), sorted(names)))
        cgroups.purge(lab.prefix)
        _unplug_leftovers(lab)
        _forget(lab)
    say(f"the lab {lab.name} is down: {len(names)} hosts removed")


def _unplug_leftovers(lab: Lab) -> None:
    for namespace in network.mine(lab, network.namespaces()):
        network.unplug(namespace, "")
    for link in network.mine(lab, network.links()):
        network.unplug("", link)


def _forget(lab: Lab) -> None:
    keys.forget(lab)
    for directory in Path("/run/systemd/nspawn").glob(f"*/{lab.prefix}-*"):
        shutil.rmtree(directory, ignore_errors=True)
    shutil.rmtree(lab.state)
    for parent in lab.state.parents[:2]:
        with contextlib.suppress(OSError):  # another lab is there
            parent.rmdir()
