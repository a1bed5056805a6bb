"""What a lab remembers between commands, written before the thing it speaks of is made."""

from __future__ import annotations

import fcntl
import json
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from k8snet_provision.lab.settings import Lab
from k8snet_provision.problems import Problem, ProblemsFound

Kind = Literal["none", "systemd", "kubeadm"]
_LOCK_SECONDS = 120


@dataclass(frozen=True)
class Memory:
    """The inventory a lab was made of, its hosts, the kind and version of its cluster, and whether that stands."""

    inventory: str
    network: str
    hosts: tuple[str, ...] = ()
    control_plane: Kind = "none"
    kubernetes: str = ""
    complete: bool = False


def recall(lab: Lab) -> Memory | None:
    """What the lab remembers; None where no lab of this name is."""
    try:
        values = json.loads((lab.state / "lab.json").read_text())
    except FileNotFoundError:
        return None
    return Memory(**{**values, "hosts": tuple(values["hosts"])})


def remember(lab: Lab, memory: Memory) -> Memory:
    staged = lab.state / "lab.json.new"
    staged.write_text(json.dumps(asdict(memory), indent=1))
    staged.replace(lab.state / "lab.json")
    return memory


@contextmanager
def held(lab: Lab) -> Iterator[None]:
    """One command at a time changes a lab. Waits at most two minutes for the other; the kernel lets go of
    the lock when its holder dies, however that happens."""
    deadline = time.monotonic() + _LOCK_SECONDS
    while (lock := _lock(lab.state)) is None:
        if time.monotonic() > deadline:
            text = f"another command has been changing the lab {lab.name} for {_LOCK_SECONDS} s"
            raise ProblemsFound([Problem("K8N515", text, str(lab.state))])
        time.sleep(0.1)
    try:
        yield
    finally:
        os.close(lock)


def _lock(directory: Path) -> int | None:
    directory.mkdir(parents=True, exist_ok=True)
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if os.path.samestat(os.fstat(lock), directory.stat()):
            return lock
    except (BlockingIOError, FileNotFoundError):
        pass  # held by another command, or removed by a `lab down` that we waited for
    os.close(lock)
    return None
