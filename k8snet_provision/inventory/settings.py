"""Connection variables of one host by their Ansible names, rendered and checked; every mistake with its line."""

from __future__ import annotations

from typing import Any

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.model import Inventory
from k8snet_provision.inventory.values import Secret
from k8snet_provision.problems import Problem, ProblemsFound, Severity

_TRUE = frozenset({"yes", "on", "true", "1", "y", "t"})
_FALSE = frozenset({"no", "off", "false", "0", "n", "f"})


class Settings:
    """Reads settings that have several names: the last one that is set wins. Problems collect in `problems`."""

    def __init__(self, inventory: Inventory, host: str) -> None:
        self.inventory = inventory
        self.host = host
        self.problems: list[Problem] = []

    @property
    def failed(self) -> bool:
        """Whether one of the problems is an error."""
        return any(problem.severity is Severity.ERROR for problem in self.problems)

    def problem(self, code: Code, text: str, *names: str, **more: Any) -> None:
        """Adds a problem at the line of the setting that counts among `names`."""
        name = self._name(names)
        where = self.inventory.origin(self.host, name) if name else self.inventory.origin(self.host)
        self.problems.append(Problem(code, text, where, **more))

    def warn(self, code: Code, text: str, *names: str, **more: Any) -> None:
        """Adds a warning at the line of the setting that counts among `names`."""
        self.problem(code, text, *names, severity=Severity.WARNING, **more)

    def raw(self, *names: str) -> Any:
        """The rendered value; None when it is not set or, with a problem, cannot be rendered."""
        name = self._name(names)
        if name is None:
            return None
        try:
            return self.inventory.rendered(self.host, name)
        except ProblemsFound as found:
            self.problems += found.problems
            return None

    def text(self, *names: str) -> str | None:
        """A string; a number counts as its digits."""
        value = self.raw(*names)
        if isinstance(value, Secret):
            return value.reveal()
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        if value is None and (name := self._name(names)) and self.inventory.hosts[self.host].vars[name] is None:
            value = ""
        if value is None or isinstance(value, str):
            return value
        self._wrong(names, value, "a string")
        return None

    def secret(self, *names: str) -> Secret | None:
        """A password: whatever was written, kept secret from here on."""
        value = self.raw(*names)
        if value is None or isinstance(value, Secret):
            return value
        if isinstance(value, str | int) and not isinstance(value, bool):
            return Secret(str(value))
        self._wrong(names, "***", "a string")
        return None

    def number(self, least: int, most: int, *names: str) -> int | None:
        """A whole number within both bounds, also when it is written as a string."""
        value = self.raw(*names)
        if value is None:
            return None
        text = value.reveal() if isinstance(value, Secret) else str(value)
        if text.isascii() and text.isdigit() and least <= int(text) <= most:
            return int(text)
        self._wrong(names, value, f"a whole number from {least} to {most}")
        return None

    def flag(self, *names: str) -> bool | None:
        """A boolean, also when it is written as one of Ansible's words for it."""
        value = self.raw(*names)
        if value is None or isinstance(value, bool):
            return value
        if str(value).lower() in _TRUE | _FALSE:
            return str(value).lower() in _TRUE
        self._wrong(names, value, "true or false")
        return None

    def _name(self, names: tuple[str, ...]) -> str | None:
        variables = self.inventory.hosts[self.host].vars
        present = [name for name in names if name in variables]
        return next(
            (name for name in reversed(present) if variables[name] is not None), present[-1] if present else None
        )

    def _wrong(self, names: tuple[str, ...], value: Any, expected: str) -> None:
        name = self._name(names)
        self.problem(Code.CONNECTION, f"{name} has a wrong value", *names, found=repr(value), expected=expected)
