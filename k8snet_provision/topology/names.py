"""Names and short texts of Kubernetes objects, by the grammar of the API (apimachinery's validation)."""

from __future__ import annotations

import re
from typing import Any

from pydantic import PlainValidator

from .values import is_domain, parse_text, refuse

_LABEL = r"[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?"
_QUALIFIED = r"(?:[A-Za-z0-9](?:[A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)"
_LONGEST_VALUE = 262_144  # all annotations of an object together, in bytes


def matching(text: str, pattern: str, expected: str, longest: int = 253) -> PlainValidator:
    """A validator for strings that match the whole pattern."""
    compiled = re.compile(rf"(?:{pattern})\Z")

    def check(value: Any) -> str:
        if not isinstance(value, str) or len(value) > longest or not compiled.match(value):
            raise refuse(f"not {text}", expected, "" if isinstance(value, str) else "put it in quotes")
        return value

    return PlainValidator(check)


NAME = matching("a name", _LABEL, "a-z, 0-9 and '-', up to 63 characters (an RFC 1123 label)")
PORT_NAME = matching(
    "the name of a port", r"(?=.*[a-z])(?!.*--)[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?", "up to 15 of a-z, 0-9 and '-'"
)
LABEL_KEY = matching(
    "a label key", rf"(?:{_LABEL}(?:\.{_LABEL})*/)?{_QUALIFIED}", "such as app or example.com/app", 317
)
LABEL_VALUE = matching("a label value", rf"{_QUALIFIED}?", "up to 63 letters, digits, '-', '_' and '.'; quote numbers")
QUANTITY = matching("a quantity", r"[0-9]+(?:\.[0-9]+)?(?:m|k|Ki|M|Mi|G|Gi|T|Ti)?", "such as 100m, 1, 128Mi", 32)
INTERFACE = matching("a network device", r"[A-Za-z0-9._@-]{1,15}", "a name such as eth0, up to 15 characters")
SHA256 = matching("a sha256", r"[0-9a-f]{64}", "64 hexadecimal digits in lower case")
INGRESS_PATH = matching("a path", r"/[!-~]{0,1023}", "a path that begins with / and has no spaces", 1024)
HOST_NAME = matching("a host", r"[A-Za-z0-9._-]{1,253}", "a host of the inventory")
ARGUMENT = matching("an argument", r"[^\0]{0,4096}", "text without NUL", 4096)
SOURCE = matching("a file or URL", r"https://[!-~]+|(?![a-z]+://)[^\0\n]+", "a path, or a URL with https://", 4096)


def parse_ingress_host(value: Any) -> str:
    """A host name, whose first label may be `*`; addresses are none (RFC 3986 host matching of the Ingress API)."""
    bare = value.removeprefix("*.") if isinstance(value, str) else ""
    if not is_domain(bare) or bare.rpartition(".")[2].isdigit():
        raise refuse("not a host name", "a DNS name in lower case, such as shop.example.com or *.example.com")
    return str(value)


def parse_annotation(value: Any) -> str:
    """An annotation's value: any text; a number or a truth value has to be quoted, for YAML would change it."""
    if isinstance(value, bool | int | float):
        raise refuse("not text", "text", f'put it in quotes: "{str(value).lower()}"')
    text = parse_text(value)
    if len(text.encode()) > _LONGEST_VALUE:
        raise refuse("too long for an annotation", "at most 256 KiB")
    return text
