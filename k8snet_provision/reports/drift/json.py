"""Drift for programs: one document, as `schema drift` describes it."""

from __future__ import annotations

import json
from typing import Any

from k8snet_provision.drift.looks import Looks, to_json
from k8snet_provision.text import valid


def text(looks: Looks) -> str:
    return document(to_json(looks))


def document(value: Any) -> str:
    return json.dumps(_valid(value), indent=2) + "\n"


def _valid(value: Any) -> Any:
    """A lone surrogate is JSON by the letter, and refused by most programs that read it."""
    if isinstance(value, dict):
        return {valid(key): _valid(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_valid(item) for item in value]
    return valid(value) if isinstance(value, str) else value
