"""Ansible's precedence: `all`, then groups from the root to the leaves, then the host; files beside win per rank."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import Any

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.draft import ALL, Draft
from k8snet_provision.inventory.model import Group, Host
from k8snet_provision.inventory.values import Map, located
from k8snet_provision.inventory.variables import Variables
from k8snet_provision.problems import Origin, Problem, Severity

EXTRA_VARS = Origin("--extra-vars")


def merged(
    draft: Draft, variables: Variables, extra_vars: Mapping[str, Any]
) -> tuple[dict[str, Host], dict[str, Group]]:
    """The hosts with their merged variables, and the groups.

    Order of strength (VARIABLE_PRECEDENCE of Ansible): inventory vars of `all`, of the other groups,
    group_vars/all, group_vars of the others, the host's inventory vars, host_vars, extra vars. Among groups:
    by depth, then ansible_group_priority, then name. A value replaces a weaker one as a whole.
    """
    beside = {name: variables.of_group(name) for name in draft.groups}
    ranks = _ranks(draft)
    groups_of = _groups_of_hosts(draft)
    extra = located(dict(extra_vars), EXTRA_VARS)

    @cache
    def of_groups(names: frozenset[str]) -> Map:
        order = sorted(names - {ALL}, key=ranks.__getitem__)
        return _overlaid(
            draft.groups[ALL].vars,
            *(draft.groups[name].vars for name in order),
            beside[ALL],
            *(beside[name] for name in order),
        )

    hosts, own_vars = {}, list[Map]()
    for host in draft.hosts.values():
        own = _overlaid(host.vars, variables.of_host(host.name))
        own_vars.append(own)
        names = groups_of.get(host.name, frozenset())
        every = _overlaid(of_groups(names), own, extra)
        hosts[host.name] = Host(host.name, every, tuple(sorted(names - {ALL})), own, host.origin)
    _name_odd_variables(draft, (*beside.values(), *own_vars))
    return hosts, {name: _group(draft, name, beside[name]) for name in draft.groups}


def _overlaid(*layers: Map) -> Map:
    result = Map()
    for layer in layers:
        result.update(layer)
        result.origins.update(layer.origins)
    return result


def _group(draft: Draft, name: str, beside: Map) -> Group:
    group = draft.groups[name]
    variables = _overlaid(group.vars, beside)
    return Group(
        name, tuple(group.hosts), tuple(group.children), variables, tuple(group.parents), group.priority, group.origin
    )


def _ranks(draft: Draft) -> dict[str, tuple[int, int, str]]:
    """Depth is the longest way down from `all`; the draft has no loops."""
    depth: dict[str, int] = {}

    def measure(name: str) -> int:
        if name not in depth:
            depth[name] = 1 + max(map(measure, draft.groups[name].parents), default=-1)
        return depth[name]

    return {name: (measure(name), group.priority, name) for name, group in draft.groups.items()}


def _groups_of_hosts(draft: Draft) -> dict[str, frozenset[str]]:
    above: dict[str, frozenset[str]] = {}

    def closure(name: str) -> frozenset[str]:
        if name not in above:
            above[name] = frozenset({name}).union(*map(closure, draft.groups[name].parents))
        return above[name]

    direct: dict[str, set[str]] = {}
    for group in draft.groups.values():
        for host in group.hosts:
            direct.setdefault(host, set()).update(closure(group.name))
    return {host: frozenset(names) for host, names in direct.items()}


def _name_odd_variables(draft: Draft, layers: Iterable[Map]) -> None:
    """Warns once per name and file of variables that no template can name."""
    seen = set()
    for layer in (*layers, *(group.vars for group in draft.groups.values())):
        for name, origin in layer.origins.items():
            if isinstance(name, str) and not name.isidentifier() and (name, origin) not in seen:
                seen.add((name, origin))
                text = f"{name} is no name of a variable, templates cannot use it"
                draft.problems.append(Problem(Code.VARIABLE_NAME, text, origin, severity=Severity.WARNING))
