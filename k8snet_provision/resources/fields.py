"""metadata.managedFields: which manager set which fields of an object, and when (fieldsV1: KEP-555)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from k8snet_provision.resources.kube_object import FIELD_MANAGER

MISSING = object()
"""Stands for a value that is not there; equal to nothing."""

Element = tuple[str, Any]
"""A step into an object: ("f", key) of a map, ("k", ((name, value), ...)) the item of a list with these values,
("v", value) the value of a set."""

Tree = Mapping[Element, Any]
"""The fields of a manager; a field without any below it is an empty tree."""

SELF: Element = (".", None)
"""In the tree of a field: it is owned itself, not only what is below it."""


@dataclass(frozen=True)
class Entry:
    """What one manager set, by one operation ("Apply" or "Update"). `time` is when it last did, in UTC."""

    manager: str
    operation: str
    api_version: str
    subresource: str
    time: str
    fields: Tree

    @property
    def is_our_apply(self) -> bool:
        return (self.manager, self.operation, self.subresource) == (FIELD_MANAGER, "Apply", "")


def entries(live: Mapping[str, Any]) -> list[Entry]:
    return [
        Entry(
            item.get("manager", ""),
            item.get("operation", ""),
            item.get("apiVersion", ""),
            item.get("subresource", ""),
            item.get("time", ""),
            _tree(item.get("fieldsV1") or {}),
        )
        for item in live["metadata"].get("managedFields") or ()
    ]


def our_apply(live: Mapping[str, Any]) -> Entry | None:
    """What we applied last; None where somebody else made the object and we never did."""
    return next((entry for entry in entries(live) if entry.is_our_apply), None)


def _tree(fields: Mapping[str, Any]) -> Tree:
    return {_element(key): _tree(value) for key, value in fields.items()}


def _element(text: str) -> Element:
    kind, _, rest = text.partition(":")
    if kind == ".":
        return SELF
    if kind == "k":
        return kind, tuple(sorted(json.loads(rest).items()))
    return kind, json.loads(rest) if kind == "v" else rest


def below(tree: Tree) -> Tree:
    """What is owned below a field."""
    return {element: inner for element, inner in tree.items() if element != SELF}


def union(trees: Iterable[Tree]) -> Tree:
    """What any of them owns."""
    found: dict[Element, Any] = {}
    for tree in trees:
        for element, inner in tree.items():
            found[element] = union((found[element], inner)) if element in found else inner
    return found


def without_names(sent: Mapping[str, Any]) -> dict[str, Any]:
    """A manifest's fields. What names an object is nobody's, nor is its status, which has managers of its own."""
    meta = {key: value for key, value in sent["metadata"].items() if key not in ("name", "namespace")}
    rest = {key: value for key, value in sent.items() if key not in ("apiVersion", "kind", "metadata", "status")}
    given: dict[str, Any] = _given({**rest, "metadata": meta} if meta else rest)
    return given


def _given(value: Any) -> Any:
    """Without nulls, which the server takes as not sent."""
    if isinstance(value, dict):
        return {key: _given(item) for key, item in value.items() if item is not None}
    return [_given(item) for item in value] if isinstance(value, list) else value
