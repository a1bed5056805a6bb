"""Hosts: a disk each (an overlay), a boot script each, and what it takes to start, stop and wipe them."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision.lab import assets, cgroups, keys, network, processes
from k8snet_provision.lab.progress import wait_for
from k8snet_provision.lab.settings import Host, Lab

_SSH_SECONDS = 60
_POWER_OFF_SECONDS = 20.0
_POWER_OFF = signal.SIGRTMIN + 4  # systemd(1): start poweroff.target
# Not on the overlay: containerd's own overlays can not lie on another one.
_BINDS = {"/var/lib/containerd": "containerd", "/var/lib/kubelet": "kubelet"}


@dataclass(frozen=True)
class Disks:
    """What hosts are made of: lower directories from top to bottom, image archives, an imported image store."""

    lower: tuple[Path, ...]
    images: Path
    seed: Path


def prepare(lab: Lab, host: Host, disks: Disks) -> None:
    """Make the host's disk, cgroups and boot script, and mount its root. Does nothing twice."""
    directory = lab.directory(host.name)
    if not (directory / "boot.sh").exists():  # it comes last, so a disk without it is a piece of one
        shutil.rmtree(directory, ignore_errors=True)
        for name in ("upper/etc/ssh", "root", *_BINDS.values()):
            (directory / name).mkdir(parents=True)
        _identity(lab, host, directory / "upper")
        if host.pods is not None:
            _plant(disks.seed, directory / "containerd")
        (directory / "boot.sh").write_text(_boot_script(lab, host, disks))
    mount(lab, host.name, disks)


def mount(lab: Lab, host: str, disks: Disks) -> None:
    """Mount the host's root, unless it is. `volatile`: a host that dies loses nothing, as what it wrote is
    in the machine's cache; so no write waits for the machine's disk."""
    directory = lab.directory(host)
    if os.path.ismount(directory / "root"):
        return
    shutil.rmtree(directory / "work", ignore_errors=True)  # else `volatile` refuses a second mount
    (directory / "work").mkdir()
    lower = ":".join(map(str, disks.lower))
    options = f"lowerdir={lower},upperdir={directory}/upper,workdir={directory}/work,volatile"
    _run("mount", "-t", "overlay", lab.machine(host), "-o", options, str(directory / "root"))


def _identity(lab: Lab, host: Host, upper: Path) -> None:
    etc = upper / "etc"
    names = [(h.address, h.name) for h in (*lab.everyone, lab.endpoint())]
    (etc / "hostname").write_text(f"{host.name}\n")
    (etc / "hosts").write_text("127.0.0.1 localhost\n" + "".join(f"{a} {n}\n" for a, n in names))
    (etc / "resolv.conf").write_text(f"nameserver {lab.gateway}\n")
    (etc / "machine-id").touch()
    for suffix in ("", ".pub"):
        target = etc / "ssh" / f"ssh_host_ed25519_key{suffix}"
        shutil.copy(f"{keys.host_key(lab, host.name)}{suffix}", target)


def _plant(seed: Path, target: Path) -> None:
    """Give the host the imported images: layers are read only and shared, databases are its own."""

    def link_or_copy(source: str, copy: str) -> str:
        if source.endswith(".db"):
            return str(shutil.copy2(source, copy))
        try:
            os.link(source, copy, follow_symlinks=False)
        except OSError:  # the artifacts lie on another file system
            shutil.copy2(source, copy, follow_symlinks=False)
        return copy

    shutil.copytree(seed, target, symlinks=True, copy_function=link_or_copy, dirs_exist_ok=True)
    for path, _, _ in os.walk(seed):  # copytree gives every directory to root
        status = Path(path).stat()
        os.chown(target / os.path.relpath(path, seed), status.st_uid, status.st_gid)


def _boot_script(lab: Lab, host: Host, disks: Disks) -> str:
    directory = lab.directory(host.name)
    return assets.render(
        "hosts/boot.sh.j2",
        lab=lab,
        host=host,
        machine=lab.machine(host.name),
        netns=lab.machine(host.name),
        link=lab.link(host.name),
        mac=network.mac(lab, host.name),
        routes=[other for other in lab.nodes if other != host],
        cgroups=[str(group) for group in cgroups.make(lab.prefix, host.name)],
        root=directory / "root",
        binds={inside: directory / outside for inside, outside in _BINDS.items()},
        images=disks.images,
    )


def boot(lab: Lab, host: str) -> None:
    """Start the host's boot script, which outlives this command, unless the host is on."""
    if host in processes.booters(lab):
        return
    cgroups.make(lab.prefix, host)
    directory = lab.directory(host)
    with (directory / "console.log").open("ab") as console:
        subprocess.Popen(
            ["sh", str(directory / "boot.sh")],
            stdin=subprocess.DEVNULL, stdout=console, stderr=console, start_new_session=True,
        )  # fmt: skip


def wait_for_ssh(lab: Lab, hosts: Iterable[Host]) -> None:
    """Return once every host's sshd says who it is. Raises WaitedTooLong with the host's last words."""
    for host in hosts:

        def silent(host: Host = host) -> str:
            return "" if answers(host) else f"no answer; {_last_words(lab, host.name)}"

        wait_for(f"SSH of {host.name} at {host.address}", _SSH_SECONDS, silent, pause=0.05)


def answers(host: Host) -> bool:
    try:
        with socket.create_connection((str(host.address), 22), timeout=1) as connection:
            connection.settimeout(2)
            return connection.recv(4) == b"SSH-"
    except OSError:
        return False


def _last_words(lab: Lab, host: str) -> str:
    console = lab.directory(host) / "console.log"
    lines = console.read_text(errors="replace").split("\n") if console.exists() else []
    return "console: " + " / ".join([line.strip() for line in lines if line.strip()][-3:])


def power_off(lab: Lab, host: str) -> None:
    """Shut the host down in order; what has not ended after 20 s is ended."""
    pid = processes.leader(lab, host)
    if pid is not None:
        processes.end(pid, _POWER_OFF)
        deadline = time.monotonic() + _POWER_OFF_SECONDS
        while host in processes.booters(lab) and time.monotonic() < deadline:
            time.sleep(0.05)
    pull_plug(lab, host)


def pull_plug(lab: Lab, host: str) -> None:
    """Take the host's power away: cable first, then every process, namespace and mount. Its disk stays."""
    network.cut(lab.link(host))
    for pid in processes.booters(lab).get(host, ()):
        processes.end(pid)
    cgroups.purge(lab.prefix, host)
    network.unplug(lab.machine(host), lab.link(host))
    unmount(lab.root(host))


def unmount(root: Path) -> None:
    """Unmount as often as it is mounted. Raises WaitedTooLong when something holds it for 10 s."""

    def mounted() -> str:
        if not os.path.ismount(root):
            return ""
        done = subprocess.run(["umount", str(root)], capture_output=True, text=True, timeout=20)
        return done.stderr.strip() if os.path.ismount(root) else ""

    if os.path.ismount(root):
        there = root.stat()
        Path(f"/run/systemd/nspawn/locks/inode-{there.st_dev}:{there.st_ino}").unlink(missing_ok=True)
    wait_for(f"{root} to be unmounted", 10, mounted)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, timeout=20)
