"""How a value is written in each layer of quoting, so that systemd reads back exactly that value."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.edits.unit_chars import Layer

# What a word of a unit file may hold as it is; everything else is written as a C escape, quoted or not.
_PLAIN = frozenset("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.,:/=@+*?~^()[]{}<>|&!`%$")


def encode(value: str, layers: Sequence[Layer]) -> str:
    """`value` as it is written under `layers` (outermost first). Raises EditRefused where no writing exists."""
    if any(char == "\0" or 0xD800 <= ord(char) <= 0xDFFF for char in value):
        raise EditRefused("a flag's value cannot hold a NUL character or half of a surrogate pair")
    for layer in reversed(layers):
        value = _ENCODERS[layer](value)
    return value


def _c_escaped(value: str) -> str:
    return "".join(char if char in _PLAIN or _printable(char) else _c_escape(char) for char in value)


def _printable(char: str) -> bool:
    return ord(char) > 0x7F and char.isprintable()


def _c_escape(char: str) -> str:
    return "".join(f"\\x{byte:02x}" for byte in char.encode())


def _environment(value: str) -> str:
    return _c_escaped(value.replace("%", "%%"))


def _exec(value: str) -> str:
    return _environment(value.replace("$", "$$"))


def _file_bare(value: str) -> str:
    if "\n" in value or "\r" in value:
        raise EditRefused("an unquoted line of an environment file cannot hold a line break", hint="quote the value")
    return "".join(f"\\{char}" if char in " \t'\"\\" else char for char in value)


def _file_single(value: str) -> str:
    if "'" in value:
        raise EditRefused(
            "a single-quoted value of an environment file cannot hold a single quote", hint="use double quotes"
        )
    return value


def _file_double(value: str) -> str:
    return "".join(f"\\{char}" if char in '"\\`$' else char for char in value)


def _split(value: str) -> str:
    return "".join(f"\\{char}" if char in " \t\n\r'\"\\" else char for char in value)


_ENCODERS: dict[Layer, Callable[[str], str]] = {
    Layer.EXEC: _exec,
    Layer.ENVIRONMENT: _environment,
    Layer.FILE_BARE: _file_bare,
    Layer.FILE_SINGLE: _file_single,
    Layer.FILE_DOUBLE: _file_double,
    Layer.SPLIT: _split,
}
