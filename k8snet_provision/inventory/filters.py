"""The filters of Ansible that inventories use most, beside those of Jinja2."""

from __future__ import annotations

import base64
import json
import os
import re
from collections.abc import Callable, Mapping
from typing import Any

_TRUE = frozenset({"yes", "on", "1", "true", "y", "t", "1.0"})


def _bool(value: Any) -> bool | None:
    return value if value is None or isinstance(value, bool) else str(value).lower() in _TRUE


def _ternary(value: Any, true: Any, false: Any, none: Any = None) -> Any:
    if value is None and none is not None:
        return none
    return true if value else false


def _combine(value: Mapping[Any, Any], *others: Mapping[Any, Any]) -> dict[Any, Any]:
    result = dict(value)
    for other in others:
        result.update(other)
    return result


def _regex_replace(value: str, pattern: str, replacement: str) -> str:
    return re.sub(pattern, replacement, value)


FILTERS: dict[str, Callable[..., Any]] = {
    "b64decode": lambda value: base64.b64decode(value).decode(),
    "b64encode": lambda value: base64.b64encode(value.encode()).decode(),
    "basename": os.path.basename,
    "bool": _bool,
    "combine": _combine,
    "dirname": os.path.dirname,
    "from_json": json.loads,
    "regex_replace": _regex_replace,
    "ternary": _ternary,
    "to_json": json.dumps,
}
