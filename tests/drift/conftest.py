"""Some tests here speak to a real sshd on loopback."""

from __future__ import annotations

from tests.engine.conftest import sshd

__all__ = ["sshd"]
