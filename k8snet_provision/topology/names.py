"""Names and short texts of Kubernetes objects, by the grammar of the API (apimachinery's validation)."""

from __future__ import annotations

import re
from typing import Any

from pydantic import PlainValidator

from .shown import shown
from .values import is_domain, parse_text, refuse

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_QUALIFIED = r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)"
_LONGEST_VALUE = 262_144  # all annotations of an object together, in bytes
_LONGEST_ARGUMENT = 4096
_SOURCE = re.compile(
    r"(?:https://[A-Za-z0-9.:\[\]-]+/[!-~]+|(?![A-Za-z][A-Za-z0-9+.-]*://)[^\0-\x1f\x7f\ud800-\udfff]+)\Z"
)
_PORT_NAME = r"(?=.*[a-z])(?!.*--)[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?"


def matching(text: str, pattern: str, expected: str, longest: int = 253) -> PlainValidator:
    """A validator for strings that match the whole pattern."""
    compiled = re.compile(rf"(?:{pattern})\Z")

    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or not compiled.match(value):
            raise refuse(f"not {text}", expected, "put it in quotes" if isinstance(value, bool | int | float) else "")
        return value

    return PlainValidator(check)


NAME = matching("a name", _LABEL, "a-z, 0-9 and '-', up to 63 characters (an RFC 1123 label)")
LABEL_KEY = matching(
    "a label key",
    rf"(?:(?=[^/]{{1,253}}/){_LABEL}(?:\.{_LABEL})*/)?{_QUALIFIED}",
    "such as app or example.com/app",
    317,
)
LABEL_VALUE = matching("a label value", rf"{_QUALIFIED}?", "up to 63 letters, digits, '-', '_' and '.'; quote numbers")
QUANTITY = matching("a quantity", r"[0-9]+(?:\.[0-9]+)?(?:m|k|Ki|M|Mi|G|Gi|T|Ti)?", "such as 100m, 1, 128Mi", 32)
INTERFACE = matching(
    "a network device", r"(?!\.)[A-Za-z0-9_.][A-Za-z0-9._@-]{0,14}", "a name such as eth0, up to 15 characters"
)
SHA256 = matching("a sha256", r"[0-9a-f]{64}", "64 hexadecimal digits in lower case")
INGRESS_PATH = matching(
    "a path", r"""/[!#-&(-:=?-_a-~]{0,1023}""", "a path that begins with /, without spaces, quotes and ; < >", 1024
)
HOST_NAME = matching("a host", r"[A-Za-z0-9._-]{1,253}", "a host of the inventory")


def parse_ingress_host(value: Any) -> str:
    """A host name, whose first label may be `*`; addresses are none (RFC 3986 host matching of the Ingress API)."""
    bare = value.removeprefix("*.") if isinstance(value, str) else ""
    if not is_domain(bare) or bare.rpartition(".")[2].isdigit():
        raise refuse("not a host name", "a DNS name in lower case, such as shop.example.com or *.example.com")
    return str(value)


def parse_quoted(value: Any) -> str:
    """Text; a number or a truth value has to be quoted, for YAML would change it (0644, 1.10, yes)."""
    if isinstance(value, bool | int | float):
        short = shown(value).lower() if isinstance(value, bool) else shown(value)
        raise refuse("not text", "text", f'put it in quotes: "{short}"')
    return parse_text(value)


def parse_argument(value: Any) -> str:
    """An argument of a command, which no shell reads."""
    text = parse_quoted(value)
    if len(text) > _LONGEST_ARGUMENT:
        raise refuse("too long for an argument", f"at most {_LONGEST_ARGUMENT} characters")
    return text


def parse_annotation(value: Any) -> str:
    """An annotation's value: any text."""
    text = parse_quoted(value)
    if len(text.encode()) > _LONGEST_VALUE:
        raise refuse("too long for an annotation", "at most 256 KiB")
    return text


def parse_port(value: Any) -> int:
    """A port's number; `true` is none, although Python counts it as 1."""
    if isinstance(value, str) and value.isascii() and value.isdigit() and len(value) <= 5:
        value = int(value)
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= 65535:
        raise refuse("not a port", "a number from 1 to 65535")
    return value


def parse_port_or_name(value: Any) -> int | str:
    """A port by its number or by its name in the pods."""
    if isinstance(value, str) and not value.isdigit():
        if len(value) > 15 or not re.fullmatch(_PORT_NAME, value):
            raise refuse("not a port", "a number from 1 to 65535, or a name of up to 15 of a-z, 0-9 and '-'")
        return value
    return parse_port(value)


def parse_pattern(value: Any) -> Any:
    """The value itself, unless it asks for several patterns: the cluster has one way in, and a switch leads to it."""
    several = isinstance(value, list | tuple | dict) or (
        isinstance(value, str) and re.search(r"[,+&|\s]", value.strip())
    )
    if several:
        hint = "one pattern at a time; while it changes, the old way in serves until the new one does"
        raise refuse("not one pattern", "load_balancer, node_port or host_network", hint)
    return value


def parse_source(value: Any) -> str:
    """A file's path or an https URL; one with a password in it is not shown."""
    if not isinstance(value, str) or len(value) > _LONGEST_ARGUMENT or not _SOURCE.match(value):
        hidden = isinstance(value, str) and "://" in value and "@" in value
        expected = "a path, or a URL with https:// and without a password in it"
        raise refuse("not a file or an https URL", expected, hidden=hidden)
    return value
