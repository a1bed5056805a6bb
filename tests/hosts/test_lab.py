"""The lab's hosts: what boots, how they are apart from each other, what repairs them, what is left of them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from k8snet_provision.lab import network, processes, settings
from k8snet_provision.lab.settings import Lab
from tests.hosts.labs import SOURCE, clone
from tests.program import Ran, run

pytestmark = pytest.mark.hosts

LIMIT = "cp1,node1,lb1"


def _clone(target: Path, name: str, net: str) -> Path:
    clone(target, name, net)
    return target


def _down(inventory: Path) -> None:
    ran = run("lab", "down", str(inventory))
    assert ran.code == 0, ran


@pytest.fixture(scope="module")
def inventory(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """A lab of three hosts without a cluster."""
    inventory = _clone(tmp_path_factory.mktemp("lab") / "inventory", "thosts", "10.141.3.0/24")
    try:
        ran = run("lab", "up", str(inventory), "--hosts-only", "--limit", LIMIT)
        assert ran.code == 0, ran
        yield inventory
    finally:
        _down(inventory)


@pytest.fixture(scope="module")
def lab(inventory: Path) -> Lab:
    return settings.read(inventory, LIMIT.split(","))


def _up(inventory: Path) -> Ran:
    return run("lab", "up", str(inventory), "--hosts-only", "--limit", LIMIT)


def _ssh(
    inventory: Path, host: str, command: str, user: str = "root", text: str = ""
) -> subprocess.CompletedProcess[str]:
    """ssh with nothing but the files the lab wrote, and strict host keys."""
    address = str(settings.read(inventory).host(host).address)
    options = [
        "-F",
        "none",
        "-i",
        str(inventory / ".ssh/id_lab"),
        "-o",
        "StrictHostKeyChecking=yes",
        "-o",
        "BatchMode=yes",
    ]
    options += ["-o", f"UserKnownHostsFile={inventory}/.ssh/known_hosts", "-o", "ConnectTimeout=5"]
    command_line = ["ssh", *options, f"{user}@{address}", command]
    return subprocess.run(command_line, input=text, capture_output=True, text=True, timeout=30)


def test_every_host_answers_ssh_with_the_key_the_lab_announced(inventory: Path, lab: Lab) -> None:
    for host in lab.hosts:
        done = _ssh(inventory, host.name, "hostname; systemctl is-system-running --wait")
        assert done.stdout.split() == [host.name, "running"], done


def test_hosts_have_namespaces_and_cgroups_of_their_own(lab: Lab) -> None:
    leaders = [processes.leader(lab, host.name) for host in lab.hosts]
    for kind in ("net", "mnt", "pid", "uts", "cgroup"):
        assert len({Path(f"/proc/{pid}/ns/{kind}").readlink() for pid in [*leaders, os.getpid()]}) == len(lab.hosts) + 1
    for pid, host in zip(leaders, lab.hosts, strict=True):
        groups = Path(f"/proc/{pid}/cgroup").read_text().splitlines()
        assert all(f"/{lab.prefix}/{host.name}" in group for group in groups), groups


def test_hosts_reach_each_other_and_not_the_world_outside(inventory: Path) -> None:
    assert _ssh(inventory, "cp1", "timeout 3 bash -c '</dev/tcp/node1/22'").returncode == 0
    assert _ssh(inventory, "cp1", "timeout 3 bash -c '</dev/tcp/192.0.2.1/22'").returncode != 0


def test_deployer_has_sudo_and_operator_has_it_with_the_password(inventory: Path) -> None:
    assert _ssh(inventory, "lb1", "sudo -n id -u", user="deployer").stdout == "0\n"
    assert _ssh(inventory, "lb1", "sudo -n id -u", user="operator").returncode != 0
    assert _ssh(inventory, "lb1", "sudo -S -p '' id -u", user="operator", text="operator\n").stdout == "0\n"


def test_second_up_changes_nothing(inventory: Path, lab: Lab) -> None:
    leaders = [processes.leader(lab, host.name) for host in lab.hosts]
    keys = (inventory / ".ssh/known_hosts").read_text()
    ran = _up(inventory)
    assert ran.code == 0, ran
    assert [processes.leader(lab, host.name) for host in lab.hosts] == leaders
    assert (inventory / ".ssh/known_hosts").read_text() == keys


def test_a_dead_host_is_seen_and_booted_again_on_its_old_disk(inventory: Path, lab: Lab) -> None:
    assert _ssh(inventory, "node1", "echo kept >/etc/kept").returncode == 0
    pid = processes.leader(lab, "node1")
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    wait(lambda: "node1" not in processes.booters(lab))
    seen = run("lab", "status", str(inventory), "--output", "json")
    assert seen.code == 2
    assert [host["name"] for host in json.loads(seen.out)["hosts"] if not host["on"]] == ["node1"]
    assert _up(inventory).code == 0
    assert _ssh(inventory, "node1", "cat /etc/kept").stdout == "kept\n"


def test_a_host_that_reboots_comes_back_without_its_added_addresses(inventory: Path, lab: Lab) -> None:
    before = processes.leader(lab, "lb1")
    added = "10.141.3.77"
    assert _ssh(inventory, "lb1", f"ip address add {added}/24 dev eth0 && systemctl reboot").returncode in (0, 255)
    wait(lambda: processes.leader(lab, "lb1") not in (before, None) and _ssh(inventory, "lb1", "true").returncode == 0)
    shown = _ssh(inventory, "lb1", "ip -4 address show eth0").stdout
    assert "10.141.3.31/24" in shown
    assert added not in shown


def test_a_lab_of_the_same_name_from_another_inventory_is_refused(inventory: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    made = run("lab", "clone", str(SOURCE), str(other), "--name", "thosts", "--network", "10.141.4.0/24")
    assert made.code == 0, made
    for command in (("up", "--hosts-only"), ("down",)):
        ran = run("lab", command[0], str(other), *command[1:])
        assert ran.code == 1
        assert f"K8N514 a lab named thosts is already there, made of another inventory (found {inventory}" in ran.err


@pytest.mark.parametrize("moment", ["remembered", "mounted", "booting"])
def test_nothing_is_left_when_up_was_killed_half_way(tmp_path: Path, moment: str) -> None:
    inventory = _clone(tmp_path / "inventory", "tkill", "10.141.5.0/24")
    lab = settings.read(inventory)
    moments: dict[str, Callable[[], bool]] = {
        "remembered": lambda: (lab.state / "lab.json").exists(),
        "mounted": lambda: f" {lab.state}/" in Path("/proc/mounts").read_text(),
        "booting": lambda: bool(processes.booters(lab)),
    }
    command = [sys.executable, "-m", "k8snet_provision", "lab", "up", str(inventory), "--hosts-only"]
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as bringing_up:
        wait(moments[moment], pause=0.002)
        bringing_up.kill()
    _down(inventory)
    assert left_of(lab) == []
    assert not (inventory / ".ssh").exists()


def left_of(lab: Lab) -> list[str]:
    """All that still has the lab's name: processes, mounts, namespaces, links, cgroups, files."""
    names = (str(lab.state), f"{lab.prefix}-")
    processes_left = [
        f"process {entry.name}"
        for entry in Path("/proc").iterdir()
        if entry.name.isdigit() and any(name in _command(entry) for name in names)
    ]
    mounts = [line for line in Path("/proc/mounts").read_text().splitlines() if any(name in line for name in names)]
    made = network.namespaces() | network.links()
    # os.walk and not glob: other labs' cgroups come and go meanwhile.
    groups = [top for top, *_ in os.walk("/sys/fs/cgroup") if Path(top).name == lab.prefix]
    files = [str(path) for path in Path("/run/systemd/nspawn").glob(f"*/{lab.prefix}-*")]
    files += [str(lab.state)] * lab.state.exists()
    linked = [name for name in made if name == lab.bridge or name.startswith(f"{lab.prefix}-")]
    return processes_left + mounts + linked + groups + files


def _command(process: Path) -> str:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace")
    except OSError:
        return ""


def wait(happened: Callable[[], bool], pause: float = 0.1) -> None:
    ends = time.monotonic() + 60
    while not happened():
        assert time.monotonic() < ends, "did not happen within 60 s"
        time.sleep(pause)
