"""The inventory as the rest of the program sees it: hosts, groups and merged variables, all read-only."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from k8snet_provision.inventory.templating import Templates
from k8snet_provision.inventory.values import Map, origin_of
from k8snet_provision.problems import Origin, Problem


@dataclass(frozen=True)
class Host:
    """A host; `vars` is what Ansible's precedence leaves of all variables, not yet rendered."""

    name: str
    vars: Mapping[str, Any]
    groups: tuple[str, ...]
    """Every group it is in, directly or not, sorted, without `all`."""
    own_vars: Mapping[str, Any] = field(repr=False, default_factory=Map)
    """Only what was written for this host itself, in the inventory and in host_vars."""
    origin: Origin = field(repr=False, default=Origin(""))
    """Where the host is named first."""


@dataclass(frozen=True)
class Group:
    """A group as written: its own hosts, children, variables; `parents` holds the groups that name it."""

    name: str
    hosts: tuple[str, ...]
    children: tuple[str, ...]
    vars: Mapping[str, Any]
    parents: tuple[str, ...]
    priority: int = 1
    origin: Origin = field(repr=False, default=Origin(""))


@dataclass(frozen=True)
class Inventory:
    """Hosts and groups in the order Ansible knows them; `warnings` are the problems that do not stop a command."""

    path: Path
    hosts: Mapping[str, Host]
    groups: Mapping[str, Group]
    warnings: tuple[Problem, ...] = ()

    def members(self, group: str) -> tuple[str, ...]:
        """Every host of a group and of the groups below it, level by level as Ansible orders them.

        Raises KeyError when there is no such group.
        """
        level, seen = [group], {group}
        hosts: dict[str, None] = {}
        while level:
            hosts |= dict.fromkeys(host for name in level for host in self.groups[name].hosts)
            below = dict.fromkeys(child for name in level for child in self.groups[name].children)
            level = [name for name in below if name not in seen]
            seen |= below.keys()
        return tuple(hosts)

    def origin(self, host: str, *keys: str | int) -> Origin:
        """File and line of the value that won for this host; without keys, where the host is named first.

        Raises KeyError when the host or the value is not there.
        """
        found = self.hosts[host]
        return origin_of(found.vars, keys, found.origin) if keys else found.origin

    def rendered(self, host: str, name: str) -> Any:
        """A variable of a host with its templates rendered.

        Raises KeyError when the host has no such variable, ProblemsFound when a template cannot be rendered.
        """
        return self.templates.renderer(host).variable(name)

    @cached_property
    def templates(self) -> Templates:
        """What renders the variables; it remembers what it rendered."""
        return Templates(self)
