"""What a server-side apply of ours would leave of a live object, without asking the server.

As the server does it (structured-merge-diff: Updater.Apply): our fields are set over the live ones, then those that
we applied before and do not send any more go, unless somebody else has them too. Conflicts are forced.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from k8snet_provision.resources import defaults, places
from k8snet_provision.resources.fields import (
    MISSING,
    SELF,
    Element,
    Tree,
    below,
    entries,
    union,
    without_names,
)
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.resources.settled import settled


def merged(live: Manifest | None, manifest: Manifest) -> Manifest:
    """The whole object; the manifest as it is where there is none yet.

    Raises Unknown where only the server can tell, as of a list of a kind that is not Kubernetes' own and that nobody
    has set yet.
    """
    if live is None:
        return manifest
    try:
        return _applied(live, manifest)
    except _CannotTell as why:
        raise Unknown("cluster", str(ObjectRef.of(manifest)), str(why)) from None


class _CannotTell(Exception):
    pass


def _applied(live: Manifest, manifest: Manifest) -> Manifest:
    found = entries(live)
    before = next((entry for entry in found if entry.is_our_apply), None)
    if live["apiVersion"] != manifest["apiVersion"] or (before and before.api_version != live["apiVersion"]):
        raise _CannotTell(f"it was applied in another version of its API than {manifest['apiVersion']}")
    sent, place = without_names(manifest), places.root(manifest)
    value = _merged(place, live, sent, union(entry.fields for entry in found))
    if before:
        value = _pruned(place, value, before.fields, sent, union(e.fields for e in found if e is not before))
    return settled(value, live)


def _merged(place: str, live: Any, sent: Any, known: Tree | None) -> Any:
    """`known`: the fields that anybody owns there, None where nobody does. They show how it is merged."""
    if live == sent:
        return live
    if isinstance(live, Mapping) and isinstance(sent, Mapping) and not _is_whole(place, live, known):
        return dict(live) | {
            key: _merged(places.at(place, key), live.get(key, MISSING), value, (known or {}).get(("f", key)))
            for key, value in sent.items()
        }
    if isinstance(live, list) and isinstance(sent, list):
        keys = _merge_keys(place, live, known)
        if keys is not None:
            return _merged_list(place, keys, live, sent, known or {})
    return defaults.filled(place, sent)


def _is_whole(place: str, live: Any, known: Tree | None) -> bool:
    """Whether the map is replaced as a whole."""
    if known and any(kind == "f" for kind, _ in known):
        return False
    return places.is_whole(place) if places.is_known(place) else _is_one_field(place, live, known)


def _merge_keys(place: str, live: Any, known: Tree | None) -> tuple[str, ...] | None:
    """None where the list is replaced as a whole."""
    keys = places.merge_keys(place, known or {})
    if keys is None and not places.is_known(place):
        _is_one_field(place, live, known)
    return keys


def _is_one_field(place: str, live: Any, known: Tree | None) -> bool:
    """Of a kind that is not Kubernetes' own: what somebody owns, and nothing below it, is one field."""
    if known is None and live:
        raise _CannotTell(f"nobody has set {place.removeprefix(places.OTHER + '.')}: it may be merged or replaced")
    return bool(live)


def _merged_list(place: str, keys: tuple[str, ...], live: list[Any], sent: list[Any], known: Tree) -> list[Any]:
    """Items that the live list has twice under our keys are not merged with ours, but give way to it."""
    theirs = [(places.element(keys, item), item) for item in live]
    times = Counter(element for element, _ in theirs)
    ours, inside = places.by_element(keys, sent), places.items(place)
    return [
        _merged(inside, item if times[element] == 1 else MISSING, ours[element], known.get(element))
        if element in ours
        else item
        for element, item in _in_order(theirs, ours)
    ]


def _in_order(theirs: list[tuple[Element, Any]], ours: Mapping[Element, Any]) -> Iterator[tuple[Element, Any]]:
    """Each with the live item, where there is one: ours in our order, and between them what is theirs alone, where
    it stood after the same one of ours."""
    live = dict(theirs)
    left, right = list(theirs), list(ours)
    shared = [element for element in ours if element in live]
    while left or right:
        first = left[0][0] if left else None
        if left and right and shared and first in ours and first != shared[0]:
            left.pop(0)  # it was there already, or comes later in our order
        elif left and first not in ours:
            yield left.pop(0)
        else:
            if left and (not right or first == right[0] or not shared):
                left.pop(0)
            if right:
                element = right.pop(0)
                shared = [other for other in shared if other != element]
                yield element, live.get(element, MISSING)


def _pruned(place: str, value: Any, before: Tree, sent: Any, others: Tree) -> Any:
    """Without what we had applied, do not send any more, and nobody else has."""
    if isinstance(value, Mapping) and isinstance(sent, Mapping):
        return _pruned_map(place, value, before, sent, others)
    if isinstance(value, list) and isinstance(sent, list):
        return _pruned_list(place, value, before, sent, others)
    return value


def _pruned_map(place: str, value: Mapping[str, Any], before: Tree, sent: Any, others: Tree) -> dict[str, Any]:
    found = dict(value)
    for (kind, key), inner in below(before).items():
        if kind != "f" or key not in value:
            continue
        theirs = others.get((kind, key))
        if key not in sent and theirs is None:
            del found[key]
        elif below(inner):
            found[key] = _pruned(
                places.at(place, key), value[key], inner, sent.get(key, type(value[key])()), theirs or {}
            )
            if found[key] in ({}, []) and value[key]:
                del found[key]
    gone = {key: item for key, item in defaults.of(place, found).items() if key in value and key not in found}
    return found | {key: defaults.filled(places.at(place, key), item) for key, item in gone.items()}


def _pruned_list(place: str, value: list[Any], before: Tree, sent: list[Any], others: Tree) -> list[Any]:
    """An item of which somebody else has only a part goes all the same."""
    keys = places.merge_keys(place, before)
    if keys is None:
        return value
    ours = places.by_element(keys, sent)
    found = []
    for item in value:
        element = places.element(keys, item)
        inner, theirs = before.get(element), others.get(element, {})
        if inner is None:
            found.append(item)
        elif element in ours or (element in others and (SELF in theirs or element[0] == "v")):
            found.append(_pruned(places.items(place), item, inner, ours.get(element, {}), theirs))
    return found
