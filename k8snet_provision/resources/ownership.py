"""Who changed what: the managers that own fields of ours now, and who wrote a field last (metadata.managedFields)."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from k8snet_provision.resources import places
from k8snet_provision.resources.fields import (
    MISSING,
    Element,
    Entry,
    Tree,
    below,
    entries,
    union,
    without_names,
)
from k8snet_provision.resources.kube_object import FIELD_MANAGER, Manifest, owner, without_noise

STATUS = "status"
"""The subresource that controllers write what they see into; nothing there is ours."""

API_SERVER = "kube-apiserver"
"""Writes into objects of its own (ServiceCIDR kubernetes, default/kubernetes)."""

BEFORE = "before-first-apply"
"""The server's name for whoever wrote an object that nobody had applied yet."""

PLAIN = re.compile(r"[A-Za-z0-9_-]+")

Path = tuple[Element, ...]


@dataclass(frozen=True, order=True)
class Taken:
    """A field of ours that somebody else owns.

    `path` as people write it. `time` as the API server writes it, in UTC: when this manager last set anything in the
    object; empty where the server keeps none (scaling).
    """

    path: str
    manager: str
    operation: str
    time: str


def taken_over(live: Mapping[str, Any], manifest: Manifest) -> list[Taken]:
    """Fields of the manifest that others have set since we applied them; nothing where we never did.

    Who sets a field to what it is owns it together with us: that is no takeover.
    """
    found = entries(live)
    ours = [entry for entry in found if entry.manager == FIELD_MANAGER]
    if not ours and not owner(live):
        return []
    since = max((entry.time for entry in ours if entry.is_our_apply), default="")
    sent = without_names(manifest)
    return sorted(
        Taken(written(path), entry.manager, entry.operation, entry.time)
        for entry in _others(found)
        if entry.time >= since or not entry.time
        for path in _leaves(entry.fields)
        if _is_sent(path, sent) and not any(_owns(mine.fields, path) for mine in ours)
    )


def last_writer(live: Mapping[str, Any], paths: Iterable[str]) -> tuple[str, str] | None:
    """The manager that last set any of these fields, or something in them or around them, and when (empty: not kept).

    It may be us. None where nobody owns any of them, as of what was deleted: that leaves no trace.
    """
    asked = list(paths)
    found = [
        (entry.time, entry.manager)
        for entry in entries(live)
        if entry.subresource != STATUS and any(touch(written(p), path) for p in _leaves(entry.fields) for path in asked)
    ]
    time, manager = max(found, default=("", ""))
    return (manager, time) if found else None


def differing(live: Mapping[str, Any], wanted: Mapping[str, Any]) -> list[str]:
    """The paths at which two states of an object differ, as `last_writer` takes them; a list that is no merged one,
    and what only one of them has, is one path."""
    known = union(entry.fields for entry in entries(live))
    return [written(path) for path in _differing(places.root(live), without_noise(live), without_noise(wanted), known)]


def written(path: Path) -> str:
    """spec.template.spec.containers[name=nginx].image; keys that are no plain words stand in brackets."""
    text = ""
    for kind, what in path:
        if kind == "k":
            text += f"[{','.join(f'{name}={value}' for name, value in what)}]"
        elif kind == "v" or not PLAIN.fullmatch(what):
            text += f"[{what}]"
        else:
            text += f".{what}" if text else what
    return text


def _others(found: Iterable[Entry]) -> Iterator[Entry]:
    for entry in found:
        if entry.subresource != STATUS and entry.manager not in (FIELD_MANAGER, API_SERVER, BEFORE):
            yield entry


def _leaves(fields: Tree, path: Path = ()) -> Iterator[Path]:
    """The paths of the fields below which there are none."""
    inner = below(fields)
    if path and not inner:
        yield path
    for element, tree in inner.items():
        yield from _leaves(tree, (*path, element))


def _owns(fields: Tree, path: Path) -> bool:
    for element in path:
        if element not in fields:
            return False
        fields = fields[element]
    return True


def _is_sent(path: Path, sent: Any) -> bool:
    for element in path:
        sent = _step(element, sent)
    return sent is not MISSING


def _step(element: Element, value: Any) -> Any:
    """What is there in a manifest or object; MISSING where nothing is."""
    kind, what = element
    if kind == "f":
        return value.get(what, MISSING) if isinstance(value, Mapping) else MISSING
    keys = tuple(name for name, _ in what) if kind == "k" else places.SET
    return places.by_element(keys, value).get(element, MISSING) if isinstance(value, list) else MISSING


def touch(one: str, other: str) -> bool:
    """Whether one path is the other, or leads through it."""
    short, long = sorted((one, other), key=len)
    return long.startswith(short) and long[len(short) :][:1] in ("", ".", "[")


def _differing(place: str, one: Any, other: Any, known: Tree, path: Path = ()) -> Iterator[Path]:
    if one == other:
        return
    keys = places.merge_keys(place, known)
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        for key in sorted({*one, *other}):
            inner, sides = known.get(("f", key), {}), (one.get(key, MISSING), other.get(key, MISSING))
            yield from _differing(places.at(place, key), *sides, inner, (*path, ("f", key)))
    elif isinstance(one, list) and isinstance(other, list) and keys is not None:
        theirs, ours = places.by_element(keys, one), places.by_element(keys, other)
        for element in dict.fromkeys([*theirs, *ours]):
            sides = theirs.get(element, MISSING), ours.get(element, MISSING)
            yield from _differing(places.items(place), *sides, known.get(element, {}), (*path, element))
    else:
        yield path
