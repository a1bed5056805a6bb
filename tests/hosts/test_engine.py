"""The engine on a host with systemd and sudo: privilege without a secret in sight, units, kernel parameters."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import gevent
import pytest
from pyinfra.api.deploy import deploy
from pyinfra.operations import files, server

from k8snet_provision.engine import operations
from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.engine.kernel import load_module, set_sysctl
from k8snet_provision.engine.shell import CONFLICT
from k8snet_provision.engine.units import restart_units, systemctl
from k8snet_provision.inventory.connection import Connection

pytestmark = pytest.mark.hosts

LAB = Path(__file__).resolve().parents[2] / "inventory" / "lab"
PASSWORD = "pa ss'w\"ord $(touch /owned) 5e1f"


@dataclass(frozen=True)
class Host:
    """One host of a lab of its own, and how root reaches it."""

    root: Connection

    def run(self, script: Script | str, connection: Connection | None = None) -> Output:
        answer = self.ask(script, connection)
        assert isinstance(answer, Output), answer
        return answer

    def ask(self, script: Script | str, connection: Connection | None = None) -> Output | Unreachable:
        with Fleet({"cp1": connection or self.root}) as fleet:
            return fleet.run({"cp1": script if isinstance(script, Script) else Script(script)})["cp1"]

    def user(self, name: str, password: str | None) -> Connection:
        return replace(self.root, user=name, become=True, become_password=password)


def lab(command: str, *arguments: str) -> None:
    tool = [sys.executable, "-m", "k8snet_provision.lab.commands", command, *arguments]
    subprocess.run(tool, check=True, capture_output=True, text=True, timeout=180)


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    inventory = tmp_path_factory.mktemp("lab") / "engine"
    lab("clone", str(LAB), str(inventory), "--name", "engine", "--network", "10.141.3.0/24")
    lab("up", str(inventory), "--limit", "cp1", "--hosts-only")
    keys = {"key_file": str(inventory / ".ssh" / "id_lab"), "known_hosts": str(inventory / ".ssh" / "known_hosts")}
    host = Host(Connection("cp1", "10.141.3.11", **keys))  # type: ignore[arg-type]
    try:
        host.run(Script("chpasswd", f"operator:{PASSWORD}\n".encode()))
        yield host
    finally:
        lab("down", str(inventory))


@pytest.fixture
def sudoers(host: Host) -> Iterator[Path]:
    """Where a test may put a sudoers file; it is gone afterwards."""
    path = Path("/etc/sudoers.d/test")
    yield path
    host.run(f"rm -f {path}")


@pytest.mark.parametrize(("user", "password"), [("operator", PASSWORD), ("deployer", None), ("deployer", PASSWORD)])
def test_root_through_sudo_gets_exact_input(host: Host, user: str, password: str | None) -> None:
    answer = host.run(Script("id -un; cat", b"\x00\xffno newline"), host.user(user, password))
    assert (answer.stdout, answer.stderr) == (b"root\n\x00\xffno newline", b"")
    assert host.run("[ ! -e /owned ]").code == 0


def test_cached_credentials_do_not_turn_the_password_into_script(host: Host, sudoers: Path) -> None:
    host.run(f"echo 'Defaults timestamp_type=global' >{sudoers}")
    with Fleet({"cp1": host.user("operator", PASSWORD)}) as fleet:
        answers = [fleet.run({"cp1": Script("cat", b"input")})["cp1"] for _ in range(3)]
    assert [isinstance(answer, Output) and (answer.stdout, answer.stderr) for answer in answers] == [
        (b"input", b"")
    ] * 3
    assert host.run("[ ! -e /owned ]").code == 0


def test_the_password_is_seen_nowhere_on_the_host_while_a_command_runs(host: Host) -> None:
    # Everything is collected before the first grep, whose own arguments hold the mark.
    look = """
sleep 1
for p in /proc/[0-9]*; do cat "$p/cmdline" "$p/environ"; done 2>/dev/null | tr '\\000' '\\n' >/root/seen
journalctl --no-pager >>/root/seen
grep -c '^sleep' /root/seen
grep -F 5e1f /root/seen
grep -r -F 5e1f /tmp /var/tmp /run /var/log /home 2>/dev/null
"""
    with Fleet({"cp1": host.user("operator", PASSWORD)}) as fleet:
        fleet.connect(["cp1"])
        running = gevent.spawn(fleet.run, {"cp1": Script("sleep 4", b"5e1f in the input")})
        seen = host.run(look).stdout.decode().splitlines()
        running.get()
    assert int(seen[0]) > 0  # the command was running
    assert seen[1:] == []


def test_a_wrong_password_is_tried_once(host: Host) -> None:
    refused = host.ask("true", host.user("operator", "wrong"))
    assert str(refused) == "cp1: sudo refused the become password of operator; check ansible_become_password"
    failures = host.run("journalctl --no-pager -o cat _COMM=sudo | grep -c 'authentication failure'")
    assert failures.stdout == b"1\n"


def test_a_password_that_is_missing_is_not_asked_for(host: Host) -> None:
    refused = host.ask("true", host.user("operator", None))
    assert isinstance(refused, Unreachable)
    assert refused.reason == "cp1: sudo asks operator for a password and the inventory gives none"


def test_a_user_outside_sudoers(host: Host) -> None:
    host.run("useradd -m guest; cp -r ~deployer/.ssh ~guest/; chown -R guest ~guest; echo guest:guest | chpasswd")
    refused = host.ask("true", host.user("guest", "guest"))
    assert isinstance(refused, Unreachable)
    assert refused.reason == "cp1: sudo does not allow guest to become root"


def test_sudo_that_insists_on_a_terminal(host: Host, sudoers: Path) -> None:
    host.run(f"echo 'Defaults requiretty' >{sudoers}")
    refused = host.ask("true", host.user("deployer", None))
    assert isinstance(refused, Unreachable)
    assert refused.hint == "remove `Defaults requiretty` from sudoers"


def test_a_host_without_sudo(host: Host) -> None:
    host.run("mv /usr/bin/sudo /usr/bin/sudo.away")
    try:
        refused = host.ask("true", host.user("deployer", None))
    finally:
        host.run("mv /usr/bin/sudo.away /usr/bin/sudo")
    assert isinstance(refused, Unreachable)
    assert refused.reason == "cp1: sudo is not installed"


def test_a_deploy_runs_with_a_sudo_password(host: Host) -> None:
    @deploy("through sudo")
    def through_sudo(changes: Sequence[str]) -> None:
        backups = "/var/lib/k8snet-provision/backups"
        operations.write_file("/etc/engine.conf", b"ours\n", expected_sha256=None, backup_dir=backups, mode="600")
        server.shell(commands=["id -un >/etc/engine.stock"])
        server.shell(commands=["id -un >/tmp/engine.daemon"], _sudo_user="daemon")
        files.line(path="/etc/engine.stock", line="added")

    with Fleet({"cp1": host.user("operator", PASSWORD)}) as fleet:
        assert fleet.deploy({"cp1": []}, through_sudo) == {"cp1": None}
    answer = host.run("stat -c '%a %U' /etc/engine.conf; cat /etc/engine.conf /etc/engine.stock /tmp/engine.daemon")
    assert answer.stdout == b"600 root\nours\nroot\nadded\ndaemon\n"


UNITS = """
unit() { printf '[Service]\\nExecStart=/bin/sh -c "%s"\\n%s\\n' "$2" "$3" >"/etc/systemd/system/$1.service"; }
unit well 'sleep 1000'; unit broken 'echo the reason; exit 3' Type=oneshot; unit slow 'sleep 1000' Type=oneshot
"""


def test_units_restart_with_their_changed_files(host: Host) -> None:
    host.run(UNITS + "systemctl daemon-reload; systemctl start well; unit well 'sleep 2000'")
    assert host.run(restart_units(("well",))).stderr == b""
    assert host.run("tr '\\000' ' ' </proc/$(systemctl show -p MainPID --value well)/cmdline").stdout.endswith(b"2000 ")


def test_a_unit_that_fails_says_why(host: Host) -> None:
    host.run(UNITS + "systemctl daemon-reload")
    answer = host.run(systemctl("start", "broken"))
    assert answer.code != 0
    assert "the reason" in answer.stderr.decode().splitlines()


def test_a_unit_that_does_not_come_up_is_given_up(host: Host) -> None:
    host.run(UNITS + "systemctl daemon-reload")
    answer = host.run(systemctl("start", "slow", seconds=1))
    assert answer.code != 0
    assert "systemctl start slow did not finish within 1 s" in answer.stderr.decode()
    assert answer.seconds < 10


def test_units_are_enabled_and_stopped(host: Host) -> None:
    host.run(UNITS + "printf '[Install]\\nWantedBy=multi-user.target\\n' >>/etc/systemd/system/well.service")
    for verb in ("enable", "start", "stop"):
        assert host.run(systemctl(verb, "well.service")).code == 0
    answer = host.run("systemctl is-enabled well; systemctl is-active well")
    assert answer.stdout == b"enabled\ninactive\n"


KEPT = "/etc/sysctl.d/90-test.conf"


def test_a_kernel_parameter_is_set_and_kept_once(host: Host) -> None:
    key = "net.ipv4.ip_local_port_range"
    host.run(f"echo '# ours' >{KEPT}; echo '32768 60999' >/proc/sys/net/ipv4/ip_local_port_range")
    for before, value in (("32768 60999", "33000 60000"), ("33000 60000", "34000 60000")):
        assert host.run(set_sysctl(key, value, kept_in=KEPT, expected=before)).stderr == b""
    assert host.run(f"cat {KEPT}").stdout.decode() == f"# ours\n{key} = 34000 60000\n"
    assert host.run("cat /proc/sys/net/ipv4/ip_local_port_range").stdout.split() == [b"34000", b"60000"]


def test_a_kernel_parameter_that_moved_is_left_alone(host: Host) -> None:
    answer = host.run(set_sysctl("net.core.somaxconn", "1000", kept_in=KEPT, expected="17"))
    assert answer.code == CONFLICT
    assert "changed since it was observed" in answer.stderr.decode()


def test_a_value_the_kernel_refuses_is_not_kept(host: Host) -> None:
    answer = host.run(set_sysctl("net.ipv4.ip_forward", "many", kept_in=KEPT))
    assert answer.code == 1
    assert "net.ipv4.ip_forward: the kernel refuses the value many" in answer.stderr.decode()
    assert b"ip_forward" not in host.run(f"cat {KEPT}").stdout


def test_a_module_this_kernel_lacks_is_not_kept(host: Host) -> None:
    answer = host.run(load_module("no_such_module", kept_in="/etc/modules-load.d/test.conf"))
    assert answer.code != 0
    assert "no_such_module" in answer.stderr.decode()
    assert host.run("[ ! -e /etc/modules-load.d/test.conf ]").code == 0
