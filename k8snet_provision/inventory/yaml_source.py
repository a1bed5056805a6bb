"""A YAML or JSON inventory file: groups with `hosts`, `children` and `vars`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.draft import Draft
from k8snet_provision.inventory.patterns import BadPattern, expand
from k8snet_provision.inventory.values import Map
from k8snet_provision.problems import Origin

_SECTIONS = ("vars", "children", "hosts")
_SHAPE = "a mapping of groups, each with hosts, children or vars"
_INI_HEADER = re.compile(r"\[[^\]\s,]+\]\s*(?:#.*)?\Z")
_YAML_LINE = re.compile(r"[{%]|---|-\s|[^\s=\[]+\s*:(?:\s|\Z)|[\"'][^=]*:")


def is_yaml(path: Path, text: str) -> bool:
    """Whether a file is read as YAML or JSON and not as INI: by its ending and its first line that counts.

    Ansible tries YAML first and INI after it; here one is chosen, so that a mistake gets one message.
    """
    lines = (line.strip() for line in text.splitlines() if line.strip() and line.strip()[0] not in "#;")
    first = next(lines, "")
    if path.suffix in (".yml", ".yaml", ".json"):
        return bool(first) and not _INI_HEADER.match(first)
    return not path.suffix and bool(_YAML_LINE.match(first))


def read_groups(draft: Draft, content: Any, where: Origin) -> None:
    """Adds every group of a file's content; what is not an inventory becomes problems."""
    if not isinstance(content, Map):
        draft.problem(Code.STRUCTURE, "is not an inventory", where, found=kind(content), expected=_SHAPE)
    elif content.get("plugin"):
        hint = "write its result to a file: ansible-inventory -i FILE --list --export --yaml"
        text = f"configures the inventory plugin {content['plugin']}, plugins are not run"
        draft.problem(Code.NOT_RUN, text, content.origins["plugin"], hint=hint)
    else:
        for name, group in content.items():
            _read_group(draft, name, group, content.origins[name])


def _read_group(draft: Draft, name: Any, content: Any, origin: Origin) -> str | None:
    if not isinstance(name, str) or not name:
        hint = "put it in quotes" if name else ""
        draft.problem(Code.NAME, "names a group with what is not a string", origin, found=repr(name), hint=hint)
        return None
    if content is not None and not isinstance(content, Map):
        draft.problem(Code.STRUCTURE, f"{name} is not a group", origin, found=kind(content), expected=_SHAPE)
        return None
    draft.add_group(name, origin)
    content = content or Map()
    for key, section in content.items():
        _read_section(draft, name, key, section, content.origins[key])
    return name


def _read_section(draft: Draft, group: str, key: Any, section: Any, origin: Origin) -> None:
    if key in _SECTIONS and isinstance(section, str):
        section = Map([(section, None)], {section: origin})
    if section is None:
        return
    if key not in _SECTIONS:
        text = f"{key} of group {group} has no effect"
        draft.warn(Code.IGNORED, text, origin, expected="hosts, children or vars")
    elif not isinstance(section, Map):
        text = f"{key} of group {group} is not a mapping"
        hint = "write every name as a key: `name:`" if isinstance(section, list) else ""
        draft.problem(Code.STRUCTURE, text, origin, found=kind(section), expected="a mapping", hint=hint)
    else:
        for name, value in section.items():
            _READERS[key](draft, group, name, value, section.origins[name])


def _read_host(draft: Draft, group: str, pattern: Any, variables: Any, origin: Origin) -> None:
    if not isinstance(pattern, str):
        text = "names a host with what is not a string"
        draft.problem(Code.NAME, text, origin, found=repr(pattern), hint="put it in quotes")
        return
    if variables and not isinstance(variables, Map):
        text = f"the variables of host {pattern} are not a mapping"
        draft.problem(Code.STRUCTURE, text, origin, found=kind(variables), expected="a mapping")
        variables = None
    try:
        names, port = expand(pattern)
    except BadPattern as error:
        draft.problem(Code.RANGE, f"the host pattern {pattern} is not one: {error}", origin)
    else:
        draft.add_hosts(names, group, port, variables or Map(), origin)


def _read_child(draft: Draft, group: str, name: Any, content: Any, origin: Origin) -> None:
    child = _read_group(draft, name, content, origin)
    if child is not None:
        draft.add_child(group, child, origin)


_READERS = {"vars": Draft.set_variable, "children": _read_child, "hosts": _read_host}


def kind(value: Any) -> str:
    """What a value is, in an operator's words."""
    names = {dict: "a mapping", list: "a list", str: "a string", bool: "a boolean"}
    for type_, name in names.items():
        if isinstance(value, type_):
            return name
    return "nothing" if value is None else f"a {type(value).__name__}"
