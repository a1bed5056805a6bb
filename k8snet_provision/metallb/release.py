"""MetalLB's release manifest as objects."""

from __future__ import annotations

import json
from collections.abc import Iterator
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from ruamel.yaml.events import AliasEvent, CollectionEndEvent, CollectionStartEvent

from k8snet_provision.metallb import source
from k8snet_provision.metallb.contents import strange
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.topology import Cluster

NOT_METALLB = source.NOT_THE_ONE

DEEPEST = 100
"""Levels of a YAML document; the schemas of MetalLB's own kinds have 20."""

SHOWN = 20
"""Problems told of one manifest: a wrong file has as many as objects."""


class NotMetallb(ValueError):
    """What is wrong with a manifest; `texts` holds everything."""

    def __init__(self, *texts: str) -> None:
        self.texts = texts
        super().__init__("; ".join(texts))


def objects(cluster: Cluster) -> tuple[Manifest, ...]:
    """The objects in the manifest's order, none where the topology has no `metallb`; not to be changed.

    Raises ProblemsFound. Speaks to nobody: `source.fetch` has made a URL a file.
    """
    metallb = cluster.topology.metallb
    if metallb is None:
        return ()
    try:
        return parse(source.read(cluster, metallb))
    except NotMetallb as wrong:
        where, text = cluster.origin("metallb", "manifest"), "the manifest is not that of a release of MetalLB"
        raise ProblemsFound(Problem(NOT_METALLB, text, where, said) for said in wrong.texts[:SHOWN]) from None


@lru_cache(maxsize=4)
def parse(data: bytes) -> tuple[Manifest, ...]:
    """The objects, without what the controller fills in; read once for a run. Raises NotMetallb."""
    found = tuple(_documents(data))
    wrong = dict.fromkeys(strange(found))
    if wrong:
        raise NotMetallb(*wrong)
    return tuple(_without_bundles(item) for item in found)


def _documents(data: bytes) -> Iterator[Manifest]:
    """YAML documents that are Kubernetes objects, which JSON could hold too."""
    found = _read(data)
    for number, item in enumerate(found, 1):
        if item is not None and not _is_object(item):
            raise NotMetallb(f"document {number} is no Kubernetes object")
    yield from (item for item in found if item is not None)


def _read(data: bytes) -> list[Any]:
    """An alias could make a small file a huge object, and deep nesting ends the parser: MetalLB's has neither."""
    depth = 0
    try:
        text = data.decode()
        for event in YAML(typ="safe").parse(text):
            depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
            if isinstance(event, AliasEvent) or depth > DEEPEST:
                raise YAMLError("an alias" if isinstance(event, AliasEvent) else f"nested {DEEPEST} deep")
        found = list(YAML(typ="safe").load_all(text))
        json.dumps(found, allow_nan=False)
    except (YAMLError, ValueError, TypeError) as error:
        raise NotMetallb(f"not the YAML of Kubernetes objects: {' '.join(str(error).split())[:200]}") from None
    return found


def _is_object(item: Any) -> bool:
    meta = item.get("metadata") if isinstance(item, dict) else None
    return isinstance(meta, dict) and all(
        isinstance(text, str) for text in (meta.get("name"), item.get("kind"), item.get("apiVersion"))
    )


def _without_bundles(value: Any) -> Any:
    """Without caBundle, which the controller writes: a field that is not sent stays as it is."""
    if isinstance(value, dict):
        return {key: _without_bundles(item) for key, item in value.items() if key != "caBundle"}
    return [_without_bundles(item) for item in value] if isinstance(value, list) else value
