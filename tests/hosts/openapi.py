"""How the API server describes its kinds: its OpenAPI, as to how server-side apply merges them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from k8snet_provision.resources import places
from tests.hosts.api_server import ApiServer


def described(server: ApiServer, kinds: Collection[str]) -> Iterator[tuple[str, object]]:
    """By place, each list with its keys (None: replaced as a whole), and each map as "whole" or "merged"."""
    definitions = server.ask("GET", "/openapi/v2").body["definitions"]
    for definition in definitions.values():
        for group in definition.get("x-kubernetes-group-version-kind", ()):
            if group["kind"] in kinds and not group["group"].startswith("extensions"):
                yield from _described(group["kind"], definition, definitions, ())


def _described(
    place: str, schema: dict[str, Any], definitions: dict[str, Any], seen: tuple[str, ...]
) -> Iterator[tuple[str, object]]:
    if name := schema.get("$ref", "").rpartition("/")[2]:
        if name in seen:
            return
        schema, seen = definitions[name] | schema, (*seen, name)
    kind = schema.get("x-kubernetes-list-type")
    if schema.get("type") == "array":
        keys = {"set": (), "map": tuple(schema.get("x-kubernetes-list-map-keys", ()))}.get(kind or "")
        yield place, keys
        if keys:
            yield from _described(places.items(place), schema["items"], definitions, seen)
        return
    if "properties" in schema or "additionalProperties" in schema:
        whole = schema.get("x-kubernetes-map-type") == "atomic"
        yield place, "whole" if whole else "merged"
        for key, inner in {} if whole else schema.get("properties", {}).items():
            if key not in ("status", "managedFields"):
                yield from _described(places.at(place, key), inner, definitions, seen)
