"""testinfra's backend on a Fleet: a command is one channel of the connection that is open anyway."""

from __future__ import annotations

from typing import Any

from testinfra.backend.base import BaseBackend, CommandResult
from testinfra.host import Host

from k8snet_provision.engine.fleet import Fleet, Script, Unreachable

TIMEOUT = 60.0
"""Seconds for one command of a check."""


class FleetBackend(BaseBackend):
    """Runs commands as root, as the roll-out does. A lost host is exit status 255, as ssh's own."""

    NAME = "fleet"

    def __init__(self, fleet: Fleet, name: str) -> None:
        super().__init__(name)
        self._fleet = fleet
        self._name = name
        self._encoding = "utf-8"

    def run(self, command: str, *args: str, **kwargs: Any) -> CommandResult:
        text = self.get_command(command, *args)
        answer = self._fleet.run({self._name: Script(text, timeout=TIMEOUT)})[self._name]
        if isinstance(answer, Unreachable):
            return self.result(255, text.encode(), b"", answer.reason.encode())
        return self.result(answer.code, text.encode(), answer.stdout, answer.stderr)


def connect(fleet: Fleet, name: str) -> Host:
    """A testinfra Host on an open connection."""
    return Host(FleetBackend(fleet, name))
