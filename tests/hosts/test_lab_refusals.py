"""What a lab says when it cannot be: one clear message, before anything is made."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from k8snet_provision.lab.settings import STATE_ROOT
from tests.hosts.labs import SOURCE
from tests.program import run

pytestmark = pytest.mark.hosts


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    made = run("lab", "clone", str(SOURCE), str(tmp_path / "inventory"), "--name", "tno", "--network", "10.141.6.0/24")
    assert made.code == 0, made
    return tmp_path / "inventory"


def _refusal(inventory: Path, *arguments: str, before: tuple[str, ...] = (), path: str = "") -> list[str]:
    """The lines that `lab up` ends with; it must end with 1 and leave nothing."""
    command = [*before, sys.executable, "-m", "k8snet_provision", "lab", "up", str(inventory), *arguments]
    environment = {**os.environ, "PATH": path or os.environ["PATH"]}
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, env=environment)
    assert done.returncode == 1, done
    assert not (STATE_ROOT / "tno").exists()
    assert not (inventory / ".ssh").exists()
    return done.stderr.splitlines()


def test_not_root(inventory: Path) -> None:
    # In a user namespace without a mapping the process is nobody, yet may read the interpreter's files.
    lines = _refusal(inventory, before=("unshare", "--user"))
    assert lines == [
        "this machine: K8N510 the lab makes network namespaces and mounts, which takes root; hint: run it with sudo"
    ]


def test_no_systemd_nspawn(inventory: Path, tmp_path: Path) -> None:
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in ("ip", "ssh-keygen", "nsenter"):
        (programs / name).symlink_to(str(shutil.which(name)))
    assert _refusal(inventory, path=str(programs)) == [
        "this machine: K8N511 systemd-nspawn not found; hint: apt-get install systemd-container"
    ]


def test_too_little_memory_and_disk_are_both_said(inventory: Path) -> None:
    hosts = "".join(f"    c{n}: {{ansible_host: 10.142.{n // 250}.{n % 250 + 2}}}\n" for n in range(2000))
    every = '{hosts: {"c[0:1999]": }}'
    groups = "".join(f"    {group}: {every}\n" for group in ("kube_control_plane", "etcd", "kube_node"))
    (inventory / "hosts.yml").write_text(f"all:\n  hosts:\n{hosts}  children:\n{groups}")
    settings = inventory / "group_vars/all/lab.yml"
    text = settings.read_text().replace("10.141.6.0/24", "10.142.0.0/16").replace("10.141.6.100", "10.142.255.1")
    settings.write_text(text)
    memory, disk = _refusal(inventory)
    assert "K8N512 too little memory (found " in memory
    assert "hint: --limit HOSTS makes a smaller lab" in memory
    assert "K8N512 too little disk (found " in disk


def test_an_address_range_in_use_is_refused_with_its_user(inventory: Path) -> None:
    for file in (inventory / "hosts.yml", inventory / "group_vars/all/lab.yml"):
        file.write_text(file.read_text().replace("10.141.6.", "127.0.9."))
    assert _refusal(inventory) == [
        f"{inventory}: K8N513 the network 127.0.9.0/24 is in use on this machine (found lo has 127.0.0.1/8); "
        "hint: `k8snet-provision lab clone` makes an inventory with another network"
    ]


def test_what_is_wrong_in_the_inventory_is_said_all_at_once(inventory: Path) -> None:
    hosts = inventory / "hosts.yml"
    text = hosts.read_text().replace("10.141.6.12", "10.141.6.11").replace("10.141.6.22", "10.9.9.9")
    hosts.write_text(text)
    outside, twice = _refusal(inventory)
    assert (
        "hosts.yml:7: K8N503 ansible_host is unusable (found 10.9.9.9, expected an address of 10.141.6.0/24" in outside
    )
    assert twice == "cp2: K8N503 10.141.6.11 is already the address of cp1"


def test_an_unknown_key_and_a_bad_name_are_said_with_file_and_line(inventory: Path) -> None:
    settings = inventory / "group_vars/all/lab.yml"
    settings.write_text("lab:\n  name: Much-too-long\n  network: 10.141.6.0/24\n  vip: 10.141.6.100\n  colour: red\n")
    lines = _refusal(inventory)
    assert len(lines) == 2
    assert all(line.startswith(f"{settings}:") and "K8N502 lab." in line for line in lines)


def test_a_cluster_needs_a_control_plane_and_a_node(inventory: Path) -> None:
    lines = _refusal(inventory, "--limit", "lb1")
    assert [line.split(";")[0] for line in lines] == [
        f"{inventory}: K8N505 a cluster needs a host of the group {group}"
        for group in ("kube_control_plane", "kube_node", "etcd")
    ]


def test_a_limit_that_names_no_host_is_refused(inventory: Path) -> None:
    assert _refusal(inventory, "--limit", "cp1,cp9") == [
        f"{inventory}: K8N504 --limit names cp9, which the inventory does not have"
    ]
