"""What `ansible-inventory` prints: `--list [--export]`, `--host H`, `--graph [--vars]`.

Vaulted values stay closed: JSON holds their ciphertext as Ansible's does, the graph shows `***` where
ansible-inventory, given the password, shows the plain text.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from k8snet_provision.inventory.model import Group, Inventory
from k8snet_provision.inventory.values import Secret, Unsafe

_NOT_LISTED = frozenset({"inventory_dir", "inventory_file", "inventory_hostname", "inventory_hostname_short"}) | {
    *("groups", "group_names", "hostvars", "playbook_dir", "play_hosts", "role_name", "role_names"),
    *("role_path", "role_uuid", "ansible_async_path", "ansible_collection_name", "ansible_config_file"),
    *("ansible_dependent_role_names", "ansible_diff_mode", "ansible_facts", "ansible_forks"),
    *("ansible_inventory_sources", "ansible_limit", "ansible_play_batch", "ansible_play_hosts"),
    *("ansible_play_hosts_all", "ansible_play_role_names", "ansible_playbook_python", "ansible_role_name"),
    *("ansible_role_names", "ansible_run_tags", "ansible_skip_tags", "ansible_verbosity", "ansible_version"),
}


def list_json(inventory: Inventory, *, export: bool = False) -> str:
    """All groups, and the variables of all hosts under `_meta`; with `export` variables stay where they are written."""
    hostvars = {
        host.name: _jsonable(variables)
        for host in inventory.hosts.values()
        if (variables := _listed(host.own_vars if export else host.vars))
    }
    listed: dict[str, Any] = {"_meta": {"hostvars": hostvars, "profile": "inventory_legacy"}}
    for group in inventory.groups.values():
        entry = {
            "hosts": [] if group.name == "all" else list(group.hosts),
            "children": list(group.children),
            "vars": _jsonable(_group_vars(group)) if export else {},
        }
        if entry := {key: value for key, value in entry.items() if value}:
            listed[group.name] = entry
    return _dumped(listed)


def host_json(inventory: Inventory, host: str) -> str:
    """The merged variables of one host; raises KeyError when there is no such host."""
    return _dumped(_jsonable(_listed(inventory.hosts[host].vars), mark_unsafe=False))


def graph(inventory: Inventory, top: str = "all", *, variables: bool = False) -> str:
    """The groups below `top` as an indented tree with their hosts; raises KeyError when there is no such group."""
    return "\n".join(_branch(inventory, inventory.groups[top], 0, variables))


def _branch(inventory: Inventory, group: Group, depth: int, variables: bool) -> Iterator[str]:
    yield _twig(f"@{group.name}:", depth)
    for child in group.children:
        yield from _branch(inventory, inventory.groups[child], depth + 1, variables)
    for host in () if group.name == "all" else group.hosts:
        yield _twig(host, depth + 1)
        if variables:
            yield from _leaves(_listed(inventory.hosts[host].vars), depth + 2)
    if variables:
        yield from _leaves(_group_vars(group), depth + 1)


def _leaves(variables: Mapping[str, Any], depth: int) -> Iterator[str]:
    return (_twig(f"{{{name} = {value}}}", depth) for name, value in sorted(variables.items()))


def _twig(text: str, depth: int) -> str:
    return "  |" * depth + "--" + text if depth else text


def _listed(variables: Mapping[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in variables.items() if name not in _NOT_LISTED}


def _group_vars(group: Group) -> dict[str, Any]:
    priority = {"ansible_group_priority": group.priority} if group.priority != 1 else {}
    return _listed(group.vars) | priority


def _dumped(value: Any) -> str:
    return json.dumps(value, sort_keys=True, indent=4, ensure_ascii=False)


def _jsonable(value: Any, mark_unsafe: bool = True) -> Any:
    if isinstance(value, dict):
        return {_key(key): _jsonable(item, mark_unsafe) for key, item in value.items()}
    if isinstance(value, list | set):
        return [_jsonable(item, mark_unsafe) for item in value]
    if isinstance(value, Secret):
        return {"__ansible_vault": value.ciphertext} if value.ciphertext else "***"
    if isinstance(value, Unsafe):
        return {"__ansible_unsafe": str(value)} if mark_unsafe else str(value)
    if isinstance(value, date):
        return value.isoformat()
    return base64.b64encode(value).decode("ascii") if isinstance(value, bytes) else value


def _key(key: Any) -> str:
    if isinstance(key, str):
        return key
    return json.dumps(key) if key is None or isinstance(key, int | float) else str(key)
