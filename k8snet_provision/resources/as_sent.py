"""Whether an object still is what we last sent: then the server need not be asked what sending it again would change.

A server-side apply keeps in metadata.managedFields which fields each manager set (fieldsV1: KEP-555).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from k8snet_provision.resources.kube_object import FIELD_MANAGER, Manifest

MISSING = object()
"""Stands for a value that is not there; equal to nothing."""


def is_as_sent(live: Mapping[str, Any], sent: Manifest) -> bool:
    """True where our fields are those of `sent`, none more and none fewer, and hold its values.

    False also where that cannot be told, as of a quantity that the server writes in another way.
    """
    ours = _our_fields(live) if live["apiVersion"] == sent["apiVersion"] else None
    return ours is not None and _same(ours, _without_names(sent), live)


def _our_fields(live: Mapping[str, Any]) -> Mapping[str, Any] | None:
    for entry in live["metadata"].get("managedFields") or ():
        who = entry.get("manager"), entry.get("operation"), entry.get("subresource", "")
        if who == (FIELD_MANAGER, "Apply", "") and entry.get("apiVersion") == live.get("apiVersion"):
            fields: Mapping[str, Any] = entry.get("fieldsV1", {})
            return fields
    return None


def _without_names(sent: Manifest) -> Any:
    """What names an object is nobody's field."""
    meta = {key: value for key, value in sent["metadata"].items() if key not in ("name", "namespace")}
    rest = {key: value for key, value in sent.items() if key not in ("apiVersion", "kind", "metadata")}
    return _given({**rest, "metadata": meta} if meta else rest)


def _given(value: Any) -> Any:
    """Without nulls, which the server takes as not sent."""
    if isinstance(value, dict):
        return {key: _given(item) for key, item in value.items() if item is not None}
    return [_given(item) for item in value] if isinstance(value, list) else value


def _same(fields: Mapping[str, Any], sent: Any, live: Any) -> bool:
    inner = {key: value for key, value in fields.items() if key != "."}
    if isinstance(sent, dict) and isinstance(live, Mapping) and inner:
        return inner.keys() == {f"f:{key}" for key in sent} and all(
            _same(inner[f"f:{key}"], value, live.get(key, MISSING)) for key, value in sent.items()
        )
    if isinstance(sent, list) and isinstance(live, Sequence) and inner:
        return len(inner) == len(sent) and all(_same_item(key, value, sent, live) for key, value in inner.items())
    return bool(sent == live)


def _same_item(key: str, fields: Mapping[str, Any], sent: Sequence[Any], live: Sequence[Any]) -> bool:
    """Items of a list that is merged: by the values of their keys (k:), or the values themselves (v:)."""
    kind, _, text = key.partition(":")
    wanted = json.loads(text)
    if kind == "v":
        return wanted in sent and wanted in live
    ours = [item for item in sent if all(item.get(name, value) == value for name, value in wanted.items())]
    theirs = [item for item in live if all(item.get(name) == value for name, value in wanted.items())]
    if kind != "k" or len(ours) != 1 or len(theirs) != 1:
        return False
    own = {name: value for name, value in fields.items() if name[2:] in ours[0] or name[2:] not in wanted}
    return _same(own, ours[0], theirs[0])
