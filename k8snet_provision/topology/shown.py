"""How a value that somebody wrote is shown in a problem: short, whatever it is."""

import reprlib
from collections.abc import Iterable
from typing import Any

PRIVATE = "PRIVATE KEY"
"""What the PEM of every private key says in its first line."""


class _Short(reprlib.Repr):
    """Containers of the inventory (Map, Seq) as the dict and list they are; a private key in them is not shown."""

    def repr_Map(self, value: Any, level: int) -> str:
        return self.repr_dict(value, level)

    def repr_Seq(self, value: Any, level: int) -> str:
        return self.repr_list(value, level)

    def repr_str(self, value: str, level: int) -> str:
        return "'***'" if PRIVATE in value else super().repr_str(value, level)


_SHORT = _Short()
_SHORT.maxlevel = 2
_SHORT.maxdict = _SHORT.maxlist = 4
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 60


def shown(value: Any) -> str:
    """At most about 80 characters; strings without quotes, everything else as Python writes it; no private key."""
    if isinstance(value, str):
        text = "***" if str.__contains__(value, PRIVATE) else f"{value}"
        return text if 0 < len(text) <= 80 else (f"{text[:77]}..." if text else "''")
    try:
        return _SHORT.repr(value)
    except ValueError:  # int to str is refused by Python beyond 4,300 digits
        return "a number of more than 4,300 digits"


def dotted(path: Iterable[str | int]) -> str:
    """`("dns", "upstreams", 0)` as `dns.upstreams[0]`."""
    text = ""
    for key in path:
        text += f"[{key}]" if isinstance(key, int) else f"{'.' if text else ''}{shown(key)}"
    return text or "topology"
