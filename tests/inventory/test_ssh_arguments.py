"""ssh arguments mean here what they mean to ssh itself."""

from __future__ import annotations

import shlex
import subprocess

import pytest

from k8snet_provision.inventory.ssh_arguments import Hop, Refused, read_arguments

ARGUMENTS = [
    "-J bastion",
    "-J admin@bastion:2200",
    "-Jadmin@bastion",
    "-J a@b:1,c,d:3",
    "-J [2001:db8::1]:2200",
    "-J ssh://a@b:22",
    "-J none",
    "-o ProxyJump=u@b",
    "-oProxyJump=u@b:23",
    "-o 'ProxyJump u@b'",
    "-o proxyjump=first -o ProxyJump=second",
    "-p 2222 -l me -i /dev/null",
    "-o Port=2222 -o User=me -o IdentityFile=/k/one",
    "-o Port=1 -p 2",
    "-o StrictHostKeyChecking=no -o UserKnownHostsFile=/dev/null",
    "-o StrictHostKeyChecking=yes",
    "-o 'StrictHostKeyChecking=off'",
    "-o ConnectTimeout=7 -o ConnectTimeout=9",
    "-C -o ControlMaster=auto -o ControlPersist=60s -q -v -o BatchMode=yes",
    "-Cq -o ServerAliveInterval=5 -J b",
    "-o ProxyCommand=none -o ProxyJump=ignored",
]


def resolved(arguments: str) -> dict[str, str]:
    """What `ssh -G` says that it would do; no connection is made."""
    command = ["ssh", "-F", "none", *shlex.split(arguments), "-G", "target"]
    printed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    return {key: value for key, _, value in (line.partition(" ") for line in printed.splitlines())}


def spelled(hop: Hop, as_written: str) -> str:
    host = f"[{hop.host}]" if ":" in hop.host else hop.host
    port = f":{hop.port}" if f":{hop.port}" in as_written else ""
    return (f"{hop.user}@" if hop.user else "") + host + port


@pytest.mark.parametrize("arguments", ARGUMENTS)
def test_means_what_ssh_makes_of_it(arguments: str) -> None:
    read, ssh = read_arguments(arguments), resolved(arguments)
    assert not read.unknown
    jump = ",".join(spelled(hop, ssh.get("proxyjump", "")) for hop in read.jump or ())
    assert jump == ssh.get("proxyjump", "").replace("ssh://", "")
    assert str(read.port or 22) == ssh["port"]
    assert read.user in (None, ssh["user"])
    assert read.key_file in (None, ssh["identityfile"])
    assert (read.strict is not False) == (ssh["stricthostkeychecking"] in ("true", "ask"))
    assert read.known_hosts in (None, ssh["userknownhostsfile"])
    assert read.connect_timeout is None or str(read.connect_timeout) == ssh["connecttimeout"]


@pytest.mark.parametrize(
    ("command", "hops"),
    [
        ("ssh -W %h:%p bastion", (Hop("", "bastion"),)),
        ("/usr/bin/ssh -q -W %h:%p -p 2200 me@bastion", (Hop("me", "bastion", 2200),)),
        ("ssh me@bastion -W %h:%p", (Hop("me", "bastion"),)),
        ("ssh -l me -W %h:%p bastion", (Hop("me", "bastion"),)),
        ("ssh -J outer -W %h:%p -o StrictHostKeyChecking=yes inner", (Hop("", "outer"), Hop("", "inner"))),
    ],
)
def test_proxy_command_of_ssh_is_a_jump(command: str, hops: tuple[Hop, ...]) -> None:
    assert read_arguments(f"-o ProxyCommand={shlex.quote(command)}").jump == hops


@pytest.mark.parametrize(
    "arguments",
    [
        "-o ProxyCommand='nc -X connect -x proxy:3128 %h %p'",
        "-o ProxyCommand='sh -c \"ssh -W %h:%p b\"'",
        "-o ProxyCommand='ssh bastion nc %h %p'",
        "-o ProxyCommand='ssh -W other:22 bastion'",
        "-o ProxyCommand=",
        "-J 'a@b:port'",
        "-J a@:22",
        "-J b:99999",
        "-p 0",
        "-o ConnectTimeout=soon",
        "-J 'un'finished'",
    ],
)
def test_what_would_lead_elsewhere_is_refused(arguments: str) -> None:
    with pytest.raises(Refused):
        read_arguments(arguments)


@pytest.mark.parametrize(
    ("arguments", "unknown"),
    [
        ("-o ForwardAgent=yes", ("-o ForwardAgent=yes",)),
        ("-F /etc/x -J b", ("-F /etc/x",)),
        ("-A", ("-A",)),
        ("word", ("word",)),
        ("-o StrictHostKeyChecking=accept-new", ("-o StrictHostKeyChecking=accept-new",)),
        ("-o ProxyCommand='ssh -i /k -W %h:%p b'", ("-i /k in ProxyCommand",)),
        ("-o", ("-o",)),
    ],
)
def test_what_is_not_honoured_is_named(arguments: str, unknown: tuple[str, ...]) -> None:
    assert tuple(text.strip() for text in read_arguments(arguments).unknown) == unknown
