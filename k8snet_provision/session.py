"""Session: an operator's request, read and validated, with its hosts ready to be spoken to."""

from __future__ import annotations

import os
import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from k8snet_provision import assets, run_lock, selection, sources, topology
from k8snet_provision.applying import Care
from k8snet_provision.capability import Phase, members
from k8snet_provision.change import CLUSTER
from k8snet_provision.cluster_state import READING_KUBECONFIG
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.engine.links import SharedLinks
from k8snet_provision.inventory import Inventory, VaultPassword, connection, load, password_files
from k8snet_provision.inventory.connection import Connection
from k8snet_provision.problems import Problem, ProblemsFound, Severity
from k8snet_provision.saved_plan.model import SavedPlan
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.certificate_faults import VALIDITY

AS_FINDINGS = (VALIDITY,)
"""A look goes on although a certificate in the inventory has ended: that hides nothing else, and is a finding."""


@dataclass(frozen=True)
class Request:
    """What the operator asked for, as given on the command line."""

    inventory: Path
    limit: str = ""
    tags: str = ""
    forks: int = 100
    extra_vars: Mapping[str, Any] = field(default_factory=dict)
    vault_password_files: tuple[Path, ...] = ()
    client: str = ""
    """The host that asks from outside the cluster, for verify; this machine when empty."""
    care: Care = field(default_factory=Care)
    cluster_from_here: bool = False
    """Whether the cluster is read with this machine's kubectl, and not through a control plane."""
    installed_look: bool = False
    """Whether hosts run the look that is installed there and nothing else (drift.installed_look)."""
    kubeconfig: str = ""
    """On the control planes, in place of the topology's; an installed look has READING_KUBECONFIG by default."""
    resume: bool = False
    """Go on with a run that was cut short."""
    anew: bool = False
    """Leave a run that was cut short as it is, and plan from what is there."""


@dataclass(frozen=True)
class Opened:
    """A request, read and validated before any host is spoken to; `connections` are those that it may need."""

    request: Request
    cluster: Cluster
    site: tuple[Phase, ...]
    hosts: tuple[str, ...]
    connections: Mapping[str, Connection]
    warnings: tuple[Problem, ...]
    started: float
    client: str = ""

    @property
    def spoken_to(self) -> Mapping[str, Connection]:
        """The cluster is read through a control plane, also for a --limit that leaves them out."""
        names = (*self.hosts, *self.cluster.control_planes, *([self.client] if self.client else ()))
        return {name: self.connections[name] for name in dict.fromkeys(names)}


@dataclass(frozen=True)
class Session:
    """An operator's request with its hosts connected: what every command works on."""

    cluster: Cluster
    site: tuple[Phase, ...]
    hosts: tuple[str, ...]
    fleet: Fleet
    connections: Mapping[str, Connection]
    warnings: tuple[Problem, ...]
    started: float
    request: Request
    client: str = ""
    approved: SavedPlan | None = None
    """The plan that is to be carried out, and nothing but that."""
    refused: tuple[Problem, ...] = ()
    """Why that cannot be done, as far as it is known before the hosts are asked."""
    lock_path: str = run_lock.PATH


def vault_passwords(request: Request) -> Sequence[VaultPassword]:
    """Those of the command line and of Ansible's environment variables; raises ProblemsFound."""
    return password_files(request.vault_password_files, os.environ)


def read_inventory(request: Request) -> Inventory:
    """Raises ProblemsFound with everything that is wrong with it."""
    return load(request.inventory, extra_vars=request.extra_vars, vault_passwords=vault_passwords(request))


def opened(request: Request, told: Collection[str] = ()) -> Opened:
    """Reads and validates everything; raises ProblemsFound with all that is wrong.

    `told`: codes of problems that are only warnings here, because whoever asks tells them as what is found.
    """
    started = time.monotonic()
    inventory = read_inventory(request)
    cluster, problems = topology.read(inventory, told)
    connections, more = connection.connections(inventory)
    found = (*problems, *more, *(sources.problems(cluster) if cluster else ()))
    if cluster is None or any(problem.severity is Severity.ERROR for problem in found):
        raise ProblemsFound(found)
    named = cluster.topology.control_plane.kubeconfig
    if kubeconfig := request.kubeconfig or (READING_KUBECONFIG if request.installed_look and not named else ""):
        cluster = _reading_by(cluster, kubeconfig)
    if request.installed_look:  # sudo allows the look alone, so there is nothing to become for anything else
        connections = {name: replace(reached, become=False) for name, reached in connections.items()}
    site = selection.phases(assets.deploy_module("site").SITE, request.tags)
    hosts = selection.hosts(inventory, request.limit)
    client = selection.client(inventory, cluster, request.client)
    concerned = {host for phase in site for host in members(phase, cluster)}
    # What only the cluster is asked for is decided by all control planes together, members of that phase or not.
    concerned |= set(cluster.control_planes) if any(CLUSTER in phase.hosts for phase in site) else set()
    reached_for = tuple(host for host in hosts if host in concerned)
    return Opened(request, cluster, site, reached_for, connections, found, started, client)


def _reading_by(cluster: Cluster, kubeconfig: str) -> Cluster:
    control_plane = cluster.topology.control_plane.model_copy(update={"kubeconfig": kubeconfig})
    return replace(cluster, topology=cluster.topology.model_copy(update={"control_plane": control_plane}))


@contextmanager
def over(read: Opened, shared: SharedLinks | None = None) -> Iterator[Session]:
    """A session over connections of its own, or over those it shares with others."""
    with Fleet(read.spoken_to, read.request.forks, shared) as fleet:
        yield Session(
            read.cluster, read.site, read.hosts, fleet, read.connections, read.warnings, read.started, read.request,
            read.client,
        )  # fmt: skip


@contextmanager
def session(request: Request, told: Collection[str] = ()) -> Iterator[Session]:
    """Reads and validates everything before the first host is spoken to; raises ProblemsFound as `opened` does."""
    with over(opened(request, told)) as open_session:
        yield open_session
