"""What there is of a lab, as data."""

from __future__ import annotations

import socket
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from k8snet_provision.lab import cgroups, hosts, processes
from k8snet_provision.lab.settings import ENDPOINT, Host, Lab
from k8snet_provision.lab.state import Kind, recall


@dataclass(frozen=True)
class HostStatus:
    """`memory` is anonymous memory in bytes, of the host and of all that runs in it."""

    name: str
    address: str
    on: bool
    ssh: bool
    memory: int


@dataclass(frozen=True)
class Status:
    """`api` says whether the API endpoint takes connections; `complete` whether the cluster was made to its end."""

    name: str
    inventory: str
    control_plane: Kind
    complete: bool
    api: bool
    hosts: tuple[HostStatus, ...]


def status(lab: Lab) -> Status | None:
    """The lab's state; None where there is no such lab."""
    memory = recall(lab)
    if memory is None:
        return None
    on = frozenset(processes.booters(lab))

    def look(host: Host) -> HostStatus:
        running = host.name in on
        resident = cgroups.resident_bytes(lab.prefix, host.name)
        return HostStatus(host.name, str(host.address), running, running and hosts.answers(host), resident)

    members = [host for host in (*lab.everyone, lab.endpoint()) if host.name in memory.hosts]
    with ThreadPoolExecutor(16) as pool:
        found = tuple(pool.map(look, members))
    api = ENDPOINT in on and _takes_connections(str(lab.settings.vip))
    return Status(lab.name, memory.inventory, memory.control_plane, memory.complete, api, found)


def _takes_connections(address: str) -> bool:
    try:
        socket.create_connection((address, 6443), timeout=1).close()
    except OSError:
        return False
    return True
