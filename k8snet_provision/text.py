"""What a host said, as text that any file and any terminal takes."""

from __future__ import annotations

import re

NO_TEXT = re.compile("[\ud800-\udfff]")


def valid(said: str) -> str:
    """Bytes that are no UTF-8, which Python keeps as lone surrogates, are written out: `\\xff`."""
    return NO_TEXT.sub(lambda found: _written_out(found[0]), said)


def printable(said: str) -> str:
    """Control characters are written out as well, but for line ends and tabs."""
    return "".join(char if char.isprintable() or char in "\n\t" else _written_out(char) for char in said)


def one_line(said: str) -> str:
    """Line ends and tabs too."""
    return "".join(char if char.isprintable() else _written_out(char) for char in said)


def _written_out(char: str) -> str:
    """As Python writes it; a byte as the byte it was."""
    number = ord(char)
    return f"\\x{number - 0xDC00:02x}" if 0xDC80 <= number <= 0xDCFF else repr(char)[1:-1]
