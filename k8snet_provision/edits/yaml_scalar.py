"""Values written as YAML: plain where every reader (YAML 1.1 and 1.2) takes it for the same string, else quoted."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

from k8snet_provision.edits.refused import EditRefused

Scalar = str | int | float | bool | None
Value = Scalar | Sequence[Scalar] | Mapping[str, object]

# Words, paths, flags; addresses, networks and port ranges. All else is quoted.
_PLAIN = re.compile(r"(--)?[A-Za-z/][A-Za-z0-9_./=+@-]*(:[A-Za-z0-9_./=+@-]+)*|\d+(\.\d+){3}(/\d+)?|\d{5,}-\d{5,}")
_PLAIN_OUTSIDE_FLOW = re.compile(r"--[A-Za-z][A-Za-z0-9-]*=[A-Za-z0-9_./=+@,:-]*[A-Za-z0-9_./=+@,-]")
_OTHER_TYPES = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "nan", "inf"})
_NAMED = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\r": "\\r", "\t": "\\t"}


def scalar(value: Scalar, style: str | None = None, *, flow: bool = False) -> str:
    """The value in the given style (`'`, `"` or plain) where that can hold it, else in double quotes."""
    if value is None:
        return "null"
    if isinstance(value, bool):
        return str(value).lower()
    if not isinstance(value, str):
        return repr(value)
    if any(0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise EditRefused("a value cannot hold half of a surrogate pair")
    if style == "'" and value.isprintable():
        return "'" + value.replace("'", "''") + "'"
    if style != '"' and _is_plain(value, flow):
        return value
    return '"' + "".join(_NAMED.get(char) or _escaped(char) for char in value) + '"'


def inline(value: object) -> str:
    """The value in flow style: `[a, b]`, `{a: b}` or a scalar."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(str(key), flow=True)}: {inline(part)}" for key, part in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(map(inline, value)) + "]"
    return scalar(value, flow=True)  # type: ignore[arg-type]


def block_lines(path: Sequence[str], value: Value, indent: str) -> list[str]:
    """`path` as nested keys in block style, the value under the last one; lists as kubeadm indents them."""
    key = f"{indent}{scalar(path[0])}:"
    if len(path) > 1:
        return [key, *block_lines(path[1:], value, indent + "  ")]
    if isinstance(value, list | tuple) and value:
        return [key, *(f"{indent}- {scalar(item)}" for item in value)]
    return [f"{key} {inline(value)}" if isinstance(value, list | tuple | Mapping) else f"{key} {scalar(value)}"]  # type: ignore[arg-type]


def _is_plain(value: str, flow: bool) -> bool:
    if value.lower() in _OTHER_TYPES:
        return False
    return bool(_PLAIN.fullmatch(value) or (not flow and _PLAIN_OUTSIDE_FLOW.fullmatch(value)))


def _escaped(char: str) -> str:
    code = ord(char)
    if char.isprintable():
        return char
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
