"""How a host is reached: address, login, privilege and the hops in between, as the inventory says."""

from __future__ import annotations

from dataclasses import dataclass, field


@dataclass(frozen=True)
class Hop:
    """One ProxyJump host; an empty user means the login name of the target."""

    user: str
    host: str
    port: int = 22


@dataclass(frozen=True)
class Connection:
    """One host's SSH connection. Secrets are left out of `repr`, so that they reach no log.

    `connect_timeout` is in seconds and bounds each phase of connecting: TCP, handshake, login.
    """

    name: str
    address: str
    port: int = 22
    user: str = "root"
    key_file: str | None = None
    password: str | None = field(default=None, repr=False)
    become: bool = False
    become_user: str = "root"
    become_password: str | None = field(default=None, repr=False)
    jump: tuple[Hop, ...] = ()
    known_hosts: str | None = None
    host_key_checking: bool = True
    connect_timeout: float = 10.0
