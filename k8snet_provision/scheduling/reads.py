"""What a look reads on this machine, and whether whoever asks may read it: asked as the service's user."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from k8snet_provision.drift.problem_codes import ProblemCode
from k8snet_provision.engine.login import DEFAULT_KEYS
from k8snet_provision.inventory.connection import Connection
from k8snet_provision.problems import Origin, Problem
from k8snet_provision.session import Opened


def files(opened: Opened) -> list[Path]:
    """What was read to open it, and the keys and known hosts that its hosts are reached with."""
    inventory = opened.request.inventory
    found = [inventory, *inventory.rglob("*")] if inventory.is_dir() else [inventory, inventory.parent / "group_vars"]
    for connection in opened.spoken_to.values():
        found += [Path(path) for path in (connection.key_file, connection.known_hosts) if path]
    found += opened.request.vault_password_files
    return list(dict.fromkeys(path for path in found if os.path.lexists(path)))


def problems(opened: Opened) -> list[Problem]:
    """All of it that this user cannot read; what makes up the inventory could be, or nothing would have been opened."""
    found: dict[Problem, None] = {}
    for connection in opened.spoken_to.values():
        found |= dict.fromkeys(_of(connection))
    return list(found)


def _of(connection: Connection) -> Iterator[Problem]:
    key, known = connection.key_file, connection.known_hosts
    if key and not os.access(key, os.R_OK):
        yield _unreadable(key, "the SSH key", "give this user a key of its own: ansible_ssh_private_key_file")
    if not key and not connection.password and not any(os.access(path, os.R_OK) for path in _default_keys()):
        hint = "set ansible_ssh_private_key_file to a key that it can read"
        yield Problem(ProblemCode.UNREADABLE, "this user has no SSH key", Origin(str(_default_keys()[0])), hint=hint)
    if connection.host_key_checking and known and not os.access(known, os.R_OK):
        hint = "put the hosts' keys into .ssh/known_hosts beside the inventory"
        yield _unreadable(known, "the file of known hosts", hint)


def _default_keys() -> list[Path]:
    return [Path("~/.ssh").expanduser() / name for name in DEFAULT_KEYS]


def _unreadable(path: str, what: str, hint: str) -> Problem:
    state = "is not there" if not os.path.lexists(path) else "cannot be read by this user"
    return Problem(ProblemCode.UNREADABLE, f"{what} {state}", Origin(path), hint=hint)
