"""Lines as every report for people prints them."""

from __future__ import annotations

from rich.console import Console
from rich.text import Text

from k8snet_provision.plan import Incomplete

DIFF_COLOURS = {"+": "green", "-": "red", "@": "cyan"}
"""By the first character of a line of a unified diff."""


def line(out: Console, text: str, style: str = "") -> None:
    """Text as it is: nothing in a value is read as markup, and nothing is wrapped when piped."""
    out.print(Text(text, style=style), soft_wrap=True)


def in_one_line(said: str) -> str:
    """What a host said, which may be several lines; the last one is its conclusion and comes last."""
    return " / ".join(part.strip() for part in said.splitlines() if part.strip())


def unseen(item: Incomplete) -> str:
    return f"{item.target}: {item.what} could not be observed: {item.why}"
