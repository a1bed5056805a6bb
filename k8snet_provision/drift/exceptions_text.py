"""Exceptions put into YAML text: entries are added, or their fields set, and every other byte stays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, SequenceNode

from k8snet_provision.drift.exceptions import KNOWN, VARIABLE
from k8snet_provision.drift.report import Acceptance
from k8snet_provision.edits import yaml_value
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.edits.yaml_list import appended
from k8snet_provision.edits.yaml_scalar import inline, scalar
from k8snet_provision.edits.yaml_tree import (
    check_editable,
    child,
    content_end,
    document,
    entries,
    line_end,
    newline,
    plain,
    spliced,
    start,
)

HEAD = "# Known exceptions of `k8snet-provision drift`; each counts again once its date has passed.\n"


def with_acceptances(text: str, acceptances: Sequence[Acceptance], file: str = "") -> str:
    """The text with these exceptions among those it has, one with the same fingerprint replaced. Raises EditRefused."""
    for acceptance in acceptances:
        text = _with_one(text, _fields(acceptance), file)
    return text


def _fields(acceptance: Acceptance) -> dict[str, str]:
    values = asdict(acceptance)
    return {key: values[key] for key in KNOWN if values[key]}


def _with_one(text: str, fields: dict[str, str], file: str) -> str:
    root = document(text, None, file)
    listed = child(root, VARIABLE)
    held = [plain(item) for item in listed.value] if isinstance(listed, SequenceNode) else []
    marks = [item.get("fingerprint") if isinstance(item, dict) else None for item in held]
    if fields["fingerprint"] in marks:
        at = marks.index(fields["fingerprint"])
        return yaml_value.with_value(text, (VARIABLE, at), fields, file=file)
    edited = _added(text, root, listed, fields, file)
    before = plain(root) if isinstance(root, MappingNode) else {}
    if repr(plain(document(edited, None, file))) != repr(before | {VARIABLE: [*held, fields]}):
        raise EditRefused(f"{VARIABLE} cannot be added without changing other values", file)
    return edited


def _added(text: str, root: Node | None, listed: Node | None, fields: dict[str, str], file: str) -> str:
    if isinstance(root, MappingNode) and root.flow_style:
        raise EditRefused(
            "it is written in braces, as JSON is", file, 1, f"write the variables one a line: {VARIABLE}: ..."
        )
    if root is not None and not isinstance(root, MappingNode) and plain(root) is not None:
        raise EditRefused("it holds no variables", file, 1)
    if listed is not None:
        check_editable(text, listed, file)
    if isinstance(listed, SequenceNode) and listed.value:
        begin = text.rfind("\n", 0, start(listed)) + 1
        inner = " " * (start(listed.value[0]) - begin)
        item = inline(fields) if listed.flow_style else f"{newline(text)}{inner}".join(_lines(fields))
        return spliced(text, [appended(text, listed, [item])])
    block = f"{newline(text)}  - " + f"{newline(text)}    ".join(_lines(fields))
    if listed is None:
        gap = "" if not text or text.endswith("\n") else newline(text)
        return f"{text}{gap}{VARIABLE}:{block}{newline(text)}"
    if plain(listed):
        raise EditRefused(f"{VARIABLE} is no list", file, text.count("\n", 0, start(listed)) + 1)
    key = next(key for key, _ in entries(root) if key.value == VARIABLE)
    colon = text.index(":", key.end_mark.index) + 1
    at = line_end(text, colon)
    written = [(colon, content_end(text, listed), "")] if text[start(listed) : listed.end_mark.index].strip() else []
    return spliced(text, [*written, (at, at, block)])


def _lines(fields: dict[str, Any]) -> list[str]:
    return [f"{key}: {scalar(value, chr(34))}" for key, value in fields.items()]
