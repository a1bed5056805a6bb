"""What changes in a file, as `diff -u` shows it; binary and secret content by digest only."""

from __future__ import annotations

import hashlib
from difflib import SequenceMatcher

_CONTEXT = 3


def unified_diff(before: bytes | None, after: bytes | None, path: str, *, secret: bool = False) -> str:
    """The body of `diff -u` with file names; None is an absent file (/dev/null). Empty where nothing differs.

    Control characters are shown escaped, so that no content can steer a terminal.
    """
    if before == after:
        return ""
    head = [f"--- {_name(before, path)}", f"+++ {_name(after, path)}"]
    old, new = _text(before), _text(after)
    if secret or old is None or new is None:
        body = [f"-{line}" for line in _digest(before)] + [f"+{line}" for line in _digest(after)]
    else:
        body = _hunks(_split(old), _split(new))
    return "\n".join([*head, *body]) + "\n"


def _name(content: bytes | None, path: str) -> str:
    return "/dev/null" if content is None else _shown(path)


def _text(content: bytes | None) -> str | None:
    """The content as text; None where it is binary."""
    try:
        text = (content or b"").decode("utf-8")
    except UnicodeDecodeError:
        return None
    return None if "\0" in text else text


def _digest(content: bytes | None) -> list[str]:
    if content is None:
        return []
    return [f"{len(content)} bytes, sha256 {hashlib.sha256(content).hexdigest()}"]


def _split(text: str) -> list[str]:
    """Lines with their line break; only a newline ends a line, as for diff."""
    lines = text.split("\n")
    return [f"{line}\n" for line in lines[:-1]] + ([lines[-1]] if lines[-1] else [])


def _hunks(old: list[str], new: list[str]) -> list[str]:
    shown: list[str] = []
    for group in SequenceMatcher(None, old, new, autojunk=False).get_grouped_opcodes(_CONTEXT):
        first, last = group[0], group[-1]
        shown.append(f"@@ -{_range(first[1], last[2])} +{_range(first[3], last[4])} @@")
        for tag, old_from, old_to, new_from, new_to in group:
            if tag == "equal":
                shown += _marked(" ", old[old_from:old_to])
            else:
                shown += _marked("-", old[old_from:old_to]) + _marked("+", new[new_from:new_to])
    return shown


def _range(start: int, end: int) -> str:
    """`start,count` of a hunk; an empty range names the line before it, as diff -u does."""
    count = end - start
    if count == 1:
        return str(start + 1)
    return f"{start + 1 if count else start},{count}"


def _marked(mark: str, lines: list[str]) -> list[str]:
    shown: list[str] = []
    for line in lines:
        shown.append(mark + _shown(line.removesuffix("\n")))
        if not line.endswith("\n"):
            shown.append("\\ No newline at end of file")
    return shown


def _shown(text: str) -> str:
    return "".join(char if char.isprintable() or char == "\t" else repr(char)[1:-1] for char in text)
