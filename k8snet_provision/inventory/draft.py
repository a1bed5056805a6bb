"""The inventory while its files are being read: hosts and groups in the order Ansible meets them."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.values import Map
from k8snet_provision.problems import Origin, Problem, Severity

ALL, UNGROUPED = "all", "ungrouped"


@dataclass
class DraftGroup:
    """A group as far as it is known; hosts and children keep the order they were added in."""

    name: str
    origin: Origin
    hosts: dict[str, None] = field(default_factory=dict)
    children: dict[str, None] = field(default_factory=dict)
    parents: dict[str, None] = field(default_factory=dict)
    vars: Map = field(default_factory=Map)
    priority: int = 1


@dataclass
class DraftHost:
    """A host as far as it is known."""

    name: str
    origin: Origin
    vars: Map = field(default_factory=Map)


class Draft:
    """Collects what the files say; every contradiction becomes a problem and reading goes on."""

    def __init__(self, root: Origin) -> None:
        self.groups: dict[str, DraftGroup] = {}
        self.hosts: dict[str, DraftHost] = {}
        self.problems: list[Problem] = []
        self.source = Path()
        self.add_group(ALL, root)
        self.add_group(UNGROUPED, root)
        self.add_child(ALL, UNGROUPED, root)

    def problem(self, code: Code, text: str, where: Origin, **more: Any) -> None:
        self.problems.append(Problem(code, text, where, **more))

    def warn(self, code: Code, text: str, where: Origin, **more: Any) -> None:
        self.problem(code, text, where, severity=Severity.WARNING, **more)

    def add_group(self, name: str, origin: Origin) -> DraftGroup:
        """The group of that name, made when it is new."""
        if name not in self.groups:
            self.groups[name] = DraftGroup(name, origin)
            if not name.isidentifier():
                hint = "Ansible keeps such a name but playbooks cannot use it as a variable"
                self.warn(Code.NAME, f"names the group {name}, which is no identifier", origin, hint=hint)
        return self.groups[name]

    def add_child(self, parent: str, child: str, origin: Origin) -> None:
        """Makes one group a child of another; a loop is a problem."""
        if child == parent or child in self._ancestors(parent):
            self.problem(Code.CYCLE, f"makes {child} a child of {parent}, which is inside {child}", origin)
            return
        self.groups[parent].children.setdefault(child)
        self.groups[child].parents.setdefault(parent)

    def _ancestors(self, group: str) -> set[str]:
        seen: set[str] = set()
        waiting = [group]
        while waiting:
            new = self.groups[waiting.pop()].parents.keys() - seen
            seen |= new
            waiting += new
        return seen

    def add_hosts(self, names: Iterable[str], group: str, port: int | None, variables: Map, origin: Origin) -> None:
        """Puts hosts into a group with their own variables; a port counts only where a host is first named."""
        for name in names:
            if not name:
                self.problem(Code.NAME, "names a host with an empty name", origin)
                continue
            if name not in self.hosts:
                self.hosts[name] = DraftHost(name, origin)
                if port is not None:
                    self.hosts[name].vars.put("ansible_port", port, origin)
                self._set_source(name, origin)
            self.groups[group].hosts.setdefault(name)
            for key, value in variables.items():
                self.set_variable(name, key, value, variables.origins[key])

    def _set_source(self, host: str, origin: Origin) -> None:
        path = os.path.abspath(self.source)  # noqa: PTH100 - as Ansible: links are not followed
        self.set_variable(host, "inventory_file", path, origin)
        self.set_variable(host, "inventory_dir", os.path.dirname(path), origin)  # noqa: PTH120

    def set_variable(self, entity: str, key: Any, value: Any, origin: Origin) -> None:
        """Sets a variable of a group or host; a group wins over a host of the same name, as in Ansible."""
        if not isinstance(key, str):
            self.problem(Code.STRUCTURE, "has a variable whose name is not a string", origin, found=repr(key))
        elif entity in self.groups and key == "ansible_group_priority":
            self._set_priority(entity, value, origin)
        else:
            owner = self.groups[entity] if entity in self.groups else self.hosts[entity]
            owner.vars.put(key, value, origin)

    def _set_priority(self, group: str, value: Any, origin: Origin) -> None:
        try:
            self.groups[group].priority = int(value)
        except (TypeError, ValueError):
            text = "ansible_group_priority is not a whole number"
            self.problem(Code.STRUCTURE, text, origin, found=repr(value))

    def settle(self) -> None:
        """What Ansible does after the last file: every group below `all`, lone hosts in `ungrouped`."""
        for group in list(self.groups.values()):
            if group.name != ALL and not group.parents:
                self.add_child(ALL, group.name, group.origin)
        grouped = {host for group in self._true_groups() for host in group.hosts}
        lone = self.groups[UNGROUPED].hosts
        for name in self.hosts:
            if name in grouped:
                lone.pop(name, None)
            else:
                lone.setdefault(name)
        for name in self.hosts.keys() & self.groups.keys():
            text = f"names a host {name}, and a group has the same name"
            hint = "Ansible gives the host's variables to the group; rename one of them"
            self.warn(Code.SAME_NAME, text, self.hosts[name].origin, hint=hint)

    def _true_groups(self) -> Iterator[DraftGroup]:
        return (group for name, group in self.groups.items() if name not in (ALL, UNGROUPED))
