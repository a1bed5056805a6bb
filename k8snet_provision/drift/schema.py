"""JSON Schema 2020-12 of what `drift --output json` prints, made from the dataclasses themselves."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

from pydantic import TypeAdapter

from k8snet_provision.drift.report import FORMAT, Report
from k8snet_provision.problems import Severity

TIME = r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"
MAYBE_TIME = r"^(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ)?$"
FINGERPRINT = "^[0-9a-f]{16}$"

NARROWER: Mapping[str, Mapping[str, Mapping[str, Any]]] = {
    "Report": {
        "format": {"const": FORMAT, "description": "Grows with a change that a reader of the old one would misread."},
        "started": {"pattern": TIME},
        "last_complete": {"pattern": MAYBE_TIME},
        "seconds": {"minimum": 0},
    },
    "Finding": {
        "fingerprint": {
            "type": "string",
            "pattern": FINGERPRINT,
            "description": "The same as long as the same thing is wrong in the same way.",
        },
        "code": {"pattern": "^K8N[0-9]{3}$"},
        "since": {"pattern": MAYBE_TIME},
    },
    "Acceptance": {"fingerprint": {"pattern": FINGERPRINT}, "until": {"pattern": r"^\d{4}-\d\d-\d\d$"}},
    "Shard": {"index": {"minimum": 1}, "count": {"minimum": 1}},
}
"""What a Python type does not say, and what a report has as JSON only."""


def json_schema() -> dict[str, Any]:
    report = TypeAdapter(Report).json_schema(ref_template="#/$defs/{model}", mode="serialization")
    types: dict[str, Any] = report.pop("$defs") | {"Report": report}
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "k8snet-provision drift",
        "description": "What one run of drift found: a report for each inventory.",
        **_closed({"reports": _list_of("Report"), "failed": _list_of("Failed")}, {"problems": _list_of("Problem")}),
        "$defs": {name: _strict(name, found) for name, found in sorted(types.items())} | _failures(),
    }


def _failures() -> dict[str, Any]:
    """An inventory that could not be looked at, and what any command tells of a problem."""
    text = {"type": "string"}
    words: dict[str, Any] = dict.fromkeys(("code", "message", "found", "expected", "hint"), text)
    words["severity"] = {"enum": [str(severity) for severity in Severity]}
    places = ({"host": text}, {"file": text, "line": {"type": "integer", "minimum": 0}})
    return {
        "Failed": {
            "description": "An inventory that is broken: nothing is known of its hosts.",
            **_closed({"inventory": text, "problems": _list_of("Problem"), "cluster": text}),
        },
        "Problem": {
            "description": "What is wrong, and where: a host, or a file and line (0: the whole file).",
            "oneOf": [_closed({**place, **words}) for place in places],
        },
    }


def _list_of(name: str) -> dict[str, Any]:
    return {"type": "array", "items": {"$ref": f"#/$defs/{name}"}}


def _strict(name: str, found: Mapping[str, Any]) -> dict[str, Any]:
    """Every key is always there, and no other."""
    if "properties" not in found:
        return {key: value for key, value in found.items() if key != "title"}
    narrower = NARROWER.get(name, {})
    properties = {key: {**_bare(value), **narrower.get(key, {})} for key, value in found["properties"].items()}
    only_here = {key: dict(value) for key, value in narrower.items() if key not in properties}
    return {"description": found["description"], **_closed({**only_here, **properties})}


def _bare(value: Mapping[str, Any]) -> dict[str, Any]:
    return {key: item for key, item in value.items() if key not in ("title", "default")}


def _closed(properties: Mapping[str, Any], optional: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": {**properties, **optional},
        "required": list(properties),
        "additionalProperties": False,
    }
