"""Whether an object still is what we last sent: then the server need not be asked what sending it again would change.

A server-side apply keeps in metadata.managedFields which fields each manager set.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from k8snet_provision.resources.fields import MISSING, Element, Tree, below, our_apply, without_names
from k8snet_provision.resources.kube_object import Manifest


def is_as_sent(live: Mapping[str, Any], sent: Manifest) -> bool:
    """True where our fields are those of `sent`, none more and none fewer, and hold its values.

    False also where that cannot be told, as of a quantity that the server writes in another way.
    """
    ours = our_apply(live)
    if ours is None or not ours.api_version == live["apiVersion"] == sent["apiVersion"]:
        return False
    return _same(ours.fields, without_names(sent), live)


def _same(fields: Tree, sent: Any, live: Any) -> bool:
    inner = below(fields)
    if isinstance(sent, dict) and isinstance(live, Mapping) and inner:
        return inner.keys() == {("f", key) for key in sent} and all(
            _same(inner["f", key], value, live.get(key, MISSING)) for key, value in sent.items()
        )
    if isinstance(sent, list) and isinstance(live, Sequence) and inner:
        return len(inner) == len(sent) and all(_same_item(item, below, sent, live) for item, below in inner.items())
    return bool(sent == live)


def _same_item(element: Element, fields: Tree, sent: Sequence[Any], live: Sequence[Any]) -> bool:
    """Items of a list that is merged: by the values of their keys (k:), or the values themselves (v:)."""
    kind, wanted = element
    if kind == "v":
        return wanted in sent and wanted in live
    ours = [item for item in sent if all(item.get(name, value) == value for name, value in wanted)]
    theirs = [item for item in live if all(item.get(name) == value for name, value in wanted)]
    if kind != "k" or len(ours) != 1 or len(theirs) != 1:
        return False
    keys = {name for name, _ in wanted}
    own = {field: inner for field, inner in fields.items() if field[1] in ours[0] or field[1] not in keys}
    return _same(own, ours[0], theirs[0])
