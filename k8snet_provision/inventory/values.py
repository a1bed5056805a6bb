"""Values that know where they were written.

Containers carry the lines of what is inside them, so plain values stay plain: a `Map` equals the dict of
the same content, and JSON, templates and pydantic need not know that it is one.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Any

from k8snet_provision.problems import Origin


class Map(dict[Any, Any]):
    """A mapping as read; `origins[key]` is the file and line of that key."""

    __slots__ = ("origins",)

    def __init__(self, items: Iterable[tuple[Any, Any]] = (), origins: dict[Any, Origin] | None = None) -> None:
        super().__init__(items)
        self.origins: dict[Any, Origin] = {} if origins is None else origins

    def put(self, key: Any, value: Any, origin: Origin) -> None:
        """Sets a value together with where it was written."""
        self[key] = value
        self.origins[key] = origin


class Seq(list[Any]):
    """A list as read; `origins[i]` is the file and line of item i."""

    __slots__ = ("origins",)

    def __init__(self, items: Iterable[Any] = (), origins: list[Origin] | None = None) -> None:
        super().__init__(items)
        self.origins: list[Origin] = [] if origins is None else origins


class Unsafe(str):
    """A string written with `!unsafe`: it is never rendered as a template."""

    __slots__ = ()


class Secret(str):
    """A string that came out of a vault. Printed, logged or formatted it is `***`.

    `reveal()` gives the plain text; call it only where the value leaves for its destination. `ciphertext`
    is the armoured form it was written in, empty when the whole file was vaulted.
    """

    __slots__ = ("ciphertext",)
    ciphertext: str

    def __new__(cls, plain: str, ciphertext: str = "") -> Secret:
        secret = super().__new__(cls, plain)
        secret.ciphertext = ciphertext
        return secret

    def reveal(self) -> str:
        """The plain text, as an ordinary str."""
        return "".join(self)

    def __repr__(self) -> str:
        return "'***'"

    def __str__(self) -> str:
        return "***"

    def __format__(self, spec: str) -> str:
        return format("***", spec)

    def __reduce__(self) -> tuple[type[Secret], tuple[str, str]]:
        return Secret, (self.reveal(), self.ciphertext)


def located(value: Any, origin: Origin) -> Any:
    """A plain Python value with everything in it at one place; what no variable can be becomes what Ansible
    makes of it: tuples and sets lists, bytes strings that are no templates."""
    if isinstance(value, list | tuple | set):
        return Seq([located(item, origin) for item in value], [origin] * len(value))
    if isinstance(value, dict):
        pairs = [(key, located(item, origin)) for key, item in value.items()]
        return Map(pairs, dict.fromkeys(value, origin))
    if isinstance(value, bytes):
        return Unsafe(value.decode("utf-8", "surrogateescape"))
    if value is ...:
        return "..."
    return str(value) if isinstance(value, complex) else value


def origin_of(value: Any, keys: Iterable[str | int], start: Origin) -> Origin:
    """The origin of what `keys` lead to inside `value`; the nearest known one when a container has no lines.

    Raises KeyError when a key is not there.
    """
    origin = start
    for key in keys:
        if not isinstance(value, dict | list):
            raise KeyError(key)
        container: Any = value
        try:
            value = container[key]
        except (IndexError, TypeError):
            raise KeyError(key) from None
        origins = getattr(container, "origins", None)
        origin = origins[key] if origins else origin
    return origin


class Opened(str):
    """The text of a secret while a template works with it: it behaves as any str and is still recognised."""

    __slots__ = ()


def opened(value: Any) -> Any:
    """The value with every secret in it opened for a template; the same object when it holds none."""
    if isinstance(value, Secret):
        return Opened(value.reveal())
    if isinstance(value, dict | list) and secrets_in(value):
        items = value.items() if isinstance(value, dict) else enumerate(value)
        pairs = [(key, opened(item)) for key, item in items]
        return Map(pairs) if isinstance(value, dict) else Seq(item for _, item in pairs)
    return value


def secrets_in(value: Any) -> list[str]:
    """The plain texts of all secrets inside a value."""
    if isinstance(value, Secret):
        return [value.reveal()]
    items = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [plain for item in items for plain in secrets_in(item)]


def with_secrets(value: Any, everything: bool, secrets: Collection[str] = ()) -> Any:
    """The value with strings turned into secrets: all of them, or the opened ones and those that hold `secrets`."""
    if isinstance(value, Map):
        return Map([(key, with_secrets(item, everything, secrets)) for key, item in value.items()], value.origins)
    if isinstance(value, Seq):
        return Seq([with_secrets(item, everything, secrets) for item in value], value.origins)
    if not isinstance(value, str) or isinstance(value, Secret):
        return value
    secret = everything or isinstance(value, Opened) or any(plain and plain in value for plain in secrets)
    return Secret("".join(value)) if secret else value
