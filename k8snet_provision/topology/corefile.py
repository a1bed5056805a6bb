"""As much of the Corefile's grammar as tells whether text can be added to one."""

from __future__ import annotations

import re
from collections.abc import Iterator

# Quoted text, a comment up to the line's end, or a word.
_TOKEN = re.compile(r'"(?:\\.|[^"\\])*"|(?<!\S)#[^\n]*|\S+')


def _tokens(text: str) -> Iterator[str]:
    return (match[0] for match in _TOKEN.finditer(text) if not match[0].startswith("#"))


def unbalanced(text: str) -> str:
    """What is wrong with the braces of a Corefile; empty when each has its counterpart."""
    depth = 0
    for token in _tokens(text):
        depth += (token == "{") - (token == "}")
        if depth < 0:
            return "a } closes no block"
    return "a block is not closed" if depth else ""


def defines(text: str) -> tuple[str, ...]:
    """The zones that the text's server blocks serve on the standard port, without trailing dots."""
    zones: list[str] = []
    words: list[str] = []
    depth = 0
    for token in _tokens(text):
        if token in "{}":
            if token == "{" and depth == 0:
                zones += filter(None, map(_standard, words))
            depth += 1 if token == "{" else -1
            words = []
        elif depth == 0:
            words += [token.rstrip(",")]
    return tuple(zones)


def _standard(word: str) -> str:
    zone, _, port = word.removeprefix("dns://").partition(":")
    other_protocol = "://" in word and not word.startswith("dns://")
    if other_protocol or word.startswith("(") or port not in ("", "53"):
        return ""
    return zone.lower().rstrip(".") or "."
