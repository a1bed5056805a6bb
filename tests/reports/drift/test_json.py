"""The JSON of drift is what its published schema says, to the key."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import pytest
from jsonschema import Draft202012Validator, ValidationError

from k8snet_provision.drift import Shard
from k8snet_provision.drift.looks import Looks, from_json
from k8snet_provision.drift.picture import Place
from k8snet_provision.drift.schema import json_schema
from k8snet_provision.reports.drift.json import text
from tests.program import run
from tests.reports.drift.samples import BROKEN, DRIFTED, QUIET, REFUSED

WHOLE = replace(DRIFTED, shard=Shard(1, 4), picture=(Place("nodes", "Nodes", ("a",), ("node1",), True, ("b",)),))
LOOKS = Looks((QUIET, WHOLE), (BROKEN,), (REFUSED,))
VALID = Draft202012Validator(json_schema())


def written() -> dict[str, Any]:
    read: dict[str, Any] = json.loads(text(LOOKS))
    return read


def test_the_schema_is_a_schema_and_what_the_command_prints() -> None:
    Draft202012Validator.check_schema(json_schema())
    assert json.loads(run("schema", "drift").out) == json_schema()


def test_reports_are_as_the_schema_says_and_come_back() -> None:
    VALID.validate(written())
    assert from_json(written()) == LOOKS


def objects(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Where in the document there are objects whose keys are fixed."""
    if isinstance(value, dict):
        if path[-1:] not in (("facts",), ("looked_at",)):
            yield path
        for key, item in value.items():
            yield from objects(item, (*path, key))
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from objects(item, (*path, index))


def at(value: Any, path: tuple[str | int, ...]) -> Any:
    for key in path:
        value = value[key]
    return value


def missing(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    for key in found:
        yield {name: value for name, value in found.items() if name != key}


def more(found: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield {**found, "surprise": 1}


@pytest.mark.parametrize("wrong", [missing, more])
def test_what_lacks_a_key_or_has_another_one_is_refused_everywhere(
    wrong: Callable[[dict[str, Any]], Iterator[dict[str, Any]]],
) -> None:
    places = list(objects(written()))
    assert len(places) > 10
    for path in places:
        for replacement in wrong(at(written(), path)):
            if not path and "problems" not in replacement:
                continue  # which stand there only where there are some
            changed = written()
            if not path:
                changed = replacement
            else:
                at(changed, path[:-1])[path[-1]] = replacement
            assert list(VALID.iter_errors(changed)), (path, replacement)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("format", 2),
        ("started", "yesterday"),
        ("last_complete", "2026-11-29"),
        ("seconds", -1),
        ("seconds", "1"),
        ("hosts", "cp1"),
        ("cluster_looked_at", 1),
        ("shard", {"index": 0, "count": 4}),
    ],
)
def test_a_value_of_another_kind_is_refused(field: str, value: Any) -> None:
    changed = written()
    changed["reports"][0][field] = value
    with pytest.raises(ValidationError):
        VALID.validate(changed)
