"""Connection variables become one Connection a host, by Ansible's names; mistakes are named with their line."""

from __future__ import annotations

import getpass
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision.inventory import Secret, load
from k8snet_provision.inventory.connection import Connection, Hop, connections
from k8snet_provision.problems import Problem, Severity
from tests.inventory.written import write


def connected(folder: Path, variables: str, host: str = "h") -> tuple[Connection | None, list[Problem]]:
    root = write(folder, {"hosts.yml": f"all: {{hosts: {{{host}: }}}}\n", "group_vars/all.yml": variables})
    found, problems = connections(load(root))
    return found.get(host), problems


def test_nothing_said_is_ssh_with_its_defaults(tmp_path: Path) -> None:
    connection, problems = connected(tmp_path, "")
    known_hosts = str(Path("~/.ssh/known_hosts").expanduser())
    assert connection == Connection("h", "h", 22, getpass.getuser(), known_hosts=known_hosts)
    assert not problems


@pytest.mark.parametrize(
    ("variables", "attribute", "value"),
    [
        ("ansible_host: 10.0.0.1", "address", "10.0.0.1"),
        ("ansible_ssh_host: 10.0.0.2\nansible_host: 10.0.0.1", "address", "10.0.0.2"),
        ("ansible_host: '{{ inventory_hostname }}.lab'", "address", "h.lab"),
        ("ansible_port: 2222", "port", 2222),
        ("ansible_port: '2222'", "port", 2222),
        ("ansible_ssh_port: 23", "port", 23),
        ("ansible_ssh_extra_args: -p 24", "port", 24),
        ("ansible_ssh_extra_args: -p 24\nansible_port: 25", "port", 25),
        ("ansible_user: admin", "user", "admin"),
        ("ansible_ssh_user: old", "user", "old"),
        ("ansible_ssh_common_args: -l other", "user", "other"),
        ("ansible_password: pw", "password", "pw"),
        ("ansible_ssh_pass: 1234", "password", "1234"),
        ("ansible_become: yes", "become", True),
        ("ansible_become: 'true'", "become", True),
        ("ansible_become: no", "become", False),
        ("ansible_become_user: postgres", "become_user", "postgres"),
        ("ansible_become_password: pw", "become_password", "pw"),
        ("ansible_become_pass: pw", "become_password", "pw"),
        ("ansible_sudo_pass: pw", "become_password", "pw"),
        ("ansible_ssh_common_args: -o ProxyJump=u@b:2200", "jump", (Hop("u", "b", 2200),)),
        ("ansible_ssh_extra_args: -J b", "jump", (Hop("", "b"),)),
        ("ansible_ssh_common_args: -J one\nansible_ssh_extra_args: -J two", "jump", (Hop("", "one"),)),
        ("ansible_ssh_common_args: -o StrictHostKeyChecking=no", "host_key_checking", False),
        ("ansible_host_key_checking: false", "host_key_checking", False),
        ("ansible_ssh_common_args: -o UserKnownHostsFile=/x/known", "known_hosts", "/x/known"),
        ("ansible_ssh_timeout: 3", "connect_timeout", 3.0),
        ("ansible_ssh_common_args: -o ConnectTimeout=4", "connect_timeout", 4.0),
        ("ansible_connection: ansible.builtin.ssh", "address", "h"),
        ("ansible_connection: paramiko", "address", "h"),
    ],
)
def test_settings(variables: str, attribute: str, value: Any, tmp_path: Path) -> None:
    connection, problems = connected(tmp_path, variables + "\n")
    assert not problems
    found = getattr(connection, attribute)
    assert (found.reveal() if isinstance(found, Secret) else found) == value
    assert isinstance(found, Secret) == ("password" in attribute)


def test_the_inventorys_own_keys(tmp_path: Path) -> None:
    write(tmp_path, {".ssh/known_hosts": "", ".ssh/id": "key"})
    connection, problems = connected(tmp_path, "ansible_ssh_private_key_file: '{{ inventory_dir }}/.ssh/id'\n")
    assert not problems and connection
    assert connection.key_file == f"{tmp_path}/.ssh/id"
    assert connection.known_hosts == f"{tmp_path}/.ssh/known_hosts"


def test_no_password_in_the_representation(tmp_path: Path) -> None:
    connection, _ = connected(tmp_path, "ansible_password: hunter2\nansible_become_password: hunter3\n")
    assert "hunter" not in repr(connection)


@pytest.mark.parametrize(
    ("variables", "code", "text"),
    [
        ("ansible_host: ''", "K8N020", "the host has no address"),
        ("ansible_host:", "K8N020", "the host has no address"),
        ("ansible_host: -oProxyCommand=x", "K8N020", "the host has no address"),
        ("ansible_host: 'a b'", "K8N020", "the host has no address"),
        ("ansible_host: [10.0.0.1]", "K8N020", "ansible_host has a wrong value"),
        ("ansible_host: '{{ nobody }}'", "K8N018", "'nobody' is undefined"),
        ("ansible_port: 0", "K8N020", "ansible_port has a wrong value"),
        ("ansible_port: ssh", "K8N020", "a whole number from 1 to 65535"),
        ("ansible_port: true", "K8N020", "ansible_port has a wrong value"),
        ("ansible_become: maybe", "K8N020", "ansible_become has a wrong value"),
        ("ansible_become_method: su", "K8N020", "only sudo"),
        ("ansible_connection: local", "K8N020", "not reached over SSH"),
        ("ansible_connection: community.docker.docker", "K8N020", "not reached over SSH"),
        ("ansible_ssh_private_key_file: /nonexistent/key", "K8N022", "the SSH key is not there"),
        ("ansible_ssh_common_args: -o ProxyCommand='nc %h %p'", "K8N021", "ProxyCommand runs another program"),
        ("ansible_ssh_common_args: -J b:x", "K8N021", "is not a number from 1 to 65535"),
        ("ansible_ssh_common_args: -p nope", "K8N021", "is not a number"),
        ("ansible_password: [secret]", "K8N020", "ansible_password has a wrong value"),
    ],
)
def test_errors_leave_the_host_out_and_name_the_line(variables: str, code: str, text: str, tmp_path: Path) -> None:
    connection, problems = connected(tmp_path, f"# first line\n{variables}\n")
    assert connection is None
    assert [problem.code for problem in problems] == [code], "\n".join(map(str, problems))
    assert text in str(problems[0])
    assert str(problems[0].where) == f"{tmp_path}/group_vars/all.yml:2"
    assert "secret" not in str(problems[0])


@pytest.mark.parametrize(
    ("variables", "text"),
    [
        ("ansible_ssh_common_args: -o ForwardAgent=yes", "-o ForwardAgent=yes in ansible_ssh_common_args"),
        ("ansible_ssh_extra_args: -o StrictHostKeyChecking=accept-new", "write them to known_hosts"),
        ("ansible_become_flags: -H", "ansible_become_flags is not honoured"),
    ],
)
def test_warnings_keep_the_host(variables: str, text: str, tmp_path: Path) -> None:
    connection, problems = connected(tmp_path, f"{variables}\n")
    assert connection is not None
    assert [problem.severity for problem in problems] == [Severity.WARNING]
    assert text in str(problems[0])


def test_one_mistake_of_many_hosts_is_one_problem(tmp_path: Path) -> None:
    root = write(tmp_path, {"hosts": "h[1:50]\n[all:vars]\nansible_port=nope\n"})
    found, problems = connections(load(root))
    assert not found
    assert len(problems) == 1
