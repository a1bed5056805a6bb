"""From the inventory to the cluster: members, the shared topology, and every problem in either."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace
from pathlib import Path

from k8snet_provision.inventory import Inventory
from k8snet_provision.inventory.settings import Settings
from k8snet_provision.problems import Origin, Problem, Severity

from .agreement import VARIABLE, origin, shared
from .cluster import ADDRESS_VARIABLES, GROUPS, Cluster, Member
from .rules import broken
from .validation import Finding, validate

NO_HOSTS = "K8N110"


def read(inventory: Inventory, told: Collection[str] = ()) -> tuple[Cluster | None, tuple[Problem, ...]]:
    """The cluster and all problems of its topology; no cluster as soon as one of them is an error.

    `told`: codes that are only warnings here, because whoever reads tells them in another way.
    """
    members, problems = _members(inventory)
    if not members:
        return None, (*problems, _no_hosts(inventory))
    common = shared(inventory, [member.name for member in members])
    problems += common.problems
    if not common.host:
        return None, tuple(problems)
    topology, findings = validate(common.value)
    problems += (_located(inventory, common.host, finding) for finding in findings)
    if topology is None:
        return None, tuple(problems)
    cluster = Cluster(name_of(inventory.path), topology, members, inventory, common.host)
    problems += broken(cluster)
    problems = [replace(one, severity=Severity.WARNING) if one.code in told else one for one in problems]
    errors = any(problem.severity is Severity.ERROR for problem in problems)
    return None if errors else cluster, tuple(sorted(problems, key=_place))


def _place(problem: Problem) -> tuple[str, int]:
    """Top to bottom of each file, as they are mended."""
    where = problem.where
    return (where.file, where.line) if isinstance(where, Origin) else (where, 0)


def name_of(path: Path) -> str:
    """The name of the cluster that an inventory describes, whether it can be read or not."""
    path = path.resolve()
    return (path if path.is_dir() else path.parent).name


def _members(inventory: Inventory) -> tuple[tuple[Member, ...], list[Problem]]:
    """Hosts of the cluster's groups, in the inventory's order; hosts of other groups are the operator's own."""
    members: list[Member] = []
    problems: list[Problem] = []
    for name, host in inventory.hosts.items():
        roles = tuple(group for group in GROUPS if group in host.groups)
        if not roles:
            continue
        settings = Settings(inventory, name)
        address = settings.text(*ADDRESS_VARIABLES)
        problems += settings.problems
        members.append(Member(name, name if address is None else address, roles))
    return tuple(members), list(dict.fromkeys(problems))


def _no_hosts(inventory: Inventory) -> Problem:
    return Problem(
        NO_HOSTS,
        "no host is in a group of the cluster",
        Origin(str(inventory.path)),
        expected=f"hosts in the groups {', '.join(GROUPS)}",
        hint="put at least one host into kube_control_plane",
    )


def _located(inventory: Inventory, host: str, finding: Finding) -> Problem:
    where = origin(inventory, host, VARIABLE, *finding.path)
    return Problem(finding.code, finding.text, where, finding.found, finding.expected, finding.hint)
