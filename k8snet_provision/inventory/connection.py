"""How a host is reached: address, login, privilege and the hops in between, as the inventory says."""

from __future__ import annotations

import getpass
import os
from dataclasses import dataclass, field, replace
from pathlib import Path

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.model import Inventory
from k8snet_provision.inventory.settings import Settings
from k8snet_provision.inventory.ssh_arguments import Hop, Refused, SshArguments, first_wins, read_arguments
from k8snet_provision.problems import Problem

__all__ = ["Connection", "Hop", "connections"]

CONNECT_TIMEOUT = 10.0
_OVER_SSH = frozenset({"ssh", "smart", "paramiko", "paramiko_ssh"})
_NOT_HONOURED = (
    *("ansible_private_key", "ansible_ssh_private_key", "ansible_ssh_private_key_passphrase"),
    *("ansible_private_key_passphrase", "ansible_become_flags", "ansible_sudo_flags", "ansible_become_exe"),
    *("ansible_sudo_exe", "ansible_ssh_pkcs11_provider", "ansible_ssh_executable", "ansible_paramiko_proxy_command"),
)


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
    connect_timeout: float = CONNECT_TIMEOUT


def connections(inventory: Inventory) -> tuple[dict[str, Connection], list[Problem]]:
    """The connection of every host whose settings can be honoured, and all problems, each once.

    A host with an error among its settings is left out. Where Ansible has several names for a setting, the
    last one of the setting's list that is set wins, as Ansible has it.
    """
    found: dict[str, Connection] = {}
    problems: dict[Problem, None] = {}
    default_known_hosts = _known_hosts(inventory.path)
    for host in inventory.hosts:
        settings = Settings(inventory, host)
        connection = _connection(host, settings, default_known_hosts)
        if not settings.failed:
            found[host] = connection
        problems |= dict.fromkeys(settings.problems)
    return found, list(problems)


def _connection(host: str, settings: Settings, default_known_hosts: str) -> Connection:
    _refuse_other_ways(settings)
    arguments = _arguments(settings)
    key_file = settings.text("ansible_private_key_file", "ansible_ssh_private_key_file")
    connection = Connection(
        name=host,
        address=_address(host, settings),
        port=settings.number(1, 65535, "ansible_port", "ansible_ssh_port") or arguments.port or 22,
        user=settings.text("ansible_user", "ansible_ssh_user") or arguments.user or getpass.getuser(),
        key_file=_file(key_file or arguments.key_file),
        password=settings.secret("ansible_password", "ansible_ssh_pass", "ansible_ssh_password"),
        jump=arguments.jump or (),
        known_hosts=_file(arguments.known_hosts) or default_known_hosts,
        host_key_checking=_strict(settings, arguments),
        connect_timeout=_timeout(settings, arguments),
    )
    if key_file and connection.key_file and not os.path.isfile(connection.key_file):  # noqa: PTH113 - nor may it be looked for
        names = "ansible_private_key_file", "ansible_ssh_private_key_file"
        settings.problem(Code.KEY_FILE, "the SSH key is not there", *names, found=connection.key_file)
    return replace(
        connection,
        become=settings.flag("ansible_become") or False,
        become_user=settings.text("ansible_become_user", "ansible_sudo_user") or "root",
        become_password=settings.secret("ansible_become_password", "ansible_become_pass", "ansible_sudo_pass"),
    )


def _refuse_other_ways(settings: Settings) -> None:
    way = settings.text("ansible_connection") or "ssh"
    if way.removeprefix("ansible.builtin.") not in _OVER_SSH:
        text = "the host is not reached over SSH"
        settings.problem(Code.CONNECTION, text, "ansible_connection", found=way, expected="ssh")
    method = settings.text("ansible_become_method") or "sudo"
    if method.removeprefix("ansible.builtin.") != "sudo":
        text = "only sudo is used to become another user"
        settings.problem(Code.CONNECTION, text, "ansible_become_method", found=method, expected="sudo")
    for name in _NOT_HONOURED:
        if settings.raw(name) is not None:
            settings.warn(Code.CONNECTION, f"{name} is not honoured", name)


def _address(host: str, settings: Settings) -> str:
    names = "ansible_host", "ansible_ssh_host"
    address = settings.text(*names)
    if address is None:
        return host
    if not address or address.startswith("-") or any(char.isspace() or not char.isprintable() for char in address):
        expected = "an IP address or a host name"
        settings.problem(Code.CONNECTION, "the host has no address", *names, found=repr(address), expected=expected)
    return address


def _arguments(settings: Settings) -> SshArguments:
    merged = SshArguments()
    for name in ("ansible_ssh_args", "ansible_ssh_common_args", "ansible_ssh_extra_args"):
        text = settings.text(name)
        try:
            read = read_arguments(text or "")
        except Refused as refused:
            settings.problem(Code.SSH_ARGUMENT, f"{name} cannot be honoured: {refused}", name)
            continue
        for argument in read.unknown:
            settings.warn(Code.SSH_ARGUMENT, f"{argument} in {name} is not honoured", name, hint=_hint(argument))
        merged = first_wins(read, merged)
    return merged


def _hint(argument: str) -> str:
    return "unknown keys are refused: write them to known_hosts" if "accept-new" in argument else ""


def _strict(settings: Settings, arguments: SshArguments) -> bool:
    flag = settings.flag("ansible_host_key_checking", "ansible_ssh_host_key_checking")
    if flag is None:
        return arguments.strict is not False
    return flag


def _timeout(settings: Settings, arguments: SshArguments) -> float:
    seconds = settings.number(1, 3600, "ansible_timeout", "ansible_ssh_timeout")
    return float(seconds or arguments.connect_timeout or CONNECT_TIMEOUT)


def _file(path: str | None) -> str | None:
    return str(Path(path).expanduser()) if path else None


def _known_hosts(inventory: Path) -> str:
    own = (inventory if inventory.is_dir() else inventory.parent) / ".ssh" / "known_hosts"
    return str(own if own.exists() else Path("~/.ssh/known_hosts").expanduser())
