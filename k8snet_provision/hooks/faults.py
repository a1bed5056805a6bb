"""What is wrong with the hooks of a topology, as far as this machine can tell without running them."""

from __future__ import annotations

import os
import shutil
from collections.abc import Collection, Iterator, Sequence
from pathlib import Path

from k8snet_provision.hooks.codes import Code
from k8snet_provision.problems import Problem
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.hooks import WHOLE_RUN
from k8snet_provision.topology.keys import nearest
from k8snet_provision.topology.shown import shown


def folder(cluster: Cluster) -> Path:
    """Where commands run, and what the path of a program is relative to: the inventory's directory."""
    path = cluster.inventory.path.resolve()
    return path if path.is_dir() else path.parent


def program(command: Sequence[str], beside: Path) -> str | None:
    """The file to run: a name with a `/` from `beside`, another one as PATH has it; None where there is none."""
    name = command[0]
    if "/" not in name:
        return shutil.which(name)
    path = beside / name
    return str(path) if path.is_file() else None


def problems(cluster: Cluster, phases: Collection[str]) -> Iterator[Problem]:
    """`phases` are the names there are."""
    hooks = cluster.topology.hooks
    for when, commands in (("before", hooks.before), ("after", hooks.after)) if hooks else ():
        for phase, command in commands.items():
            yield from _phase(cluster, when, phase, phases)
            yield from _program(cluster, when, phase, command)


def _phase(cluster: Cluster, when: str, phase: str, phases: Collection[str]) -> Iterator[Problem]:
    if phase not in phases and phase != WHOLE_RUN:
        where = cluster.origin("hooks", when, phase)
        hint = nearest(phase, list(phases)) or f"there are: {', '.join(phases)}; '*' is the whole run"
        yield Problem(Code.NO_SUCH_PHASE, "a hook is for a phase that there is not", where, shown(phase), hint=hint)


def _program(cluster: Cluster, when: str, phase: str, command: Sequence[str]) -> Iterator[Problem]:
    where, beside = cluster.origin("hooks", when, phase), folder(cluster)
    found = program(command, beside)
    if found is None:
        expected = f"a file beside {beside}" if "/" in command[0] else "a program in PATH"
        hint = "hooks run on the machine that applies"
        yield Problem(Code.NO_PROGRAM, "a hook's program is not there", where, shown(command[0]), expected, hint)
    elif not os.access(found, os.X_OK):
        hint = "chmod +x it, and let its first line name its interpreter"
        yield Problem(Code.NOT_EXECUTABLE, "a hook's program may not be executed", where, shown(found), hint=hint)
