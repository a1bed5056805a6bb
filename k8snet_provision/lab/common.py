"""What all hosts of a lab have in common, as one directory that lies under every host's own disk.

The files come from lab/hosts/common as they are; users, keys and what is switched off are added here.
"""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
from pathlib import Path

from k8snet_provision.lab import assets
from k8snet_provision.lab.settings import Lab

# Not of use in a host without a console, a package mirror or a disk of its own.
_MASKED = (
    *("getty@tty1.service", "console-getty.service", "getty-static.service", "systemd-udevd.service"),
    *("systemd-pstore.service", "e2scrub_reap.service", "apt-daily.service", "apt-daily-upgrade.service"),
    *("apt-daily.timer", "apt-daily-upgrade.timer", "dpkg-db-backup.timer", "e2scrub_all.timer", "fstrim.timer"),
)
# Enabled by their Debian packages; here by the hosts that have the part.
_ENABLED_ELSEWHERE = ("haproxy.service", "keepalived.service")
# Name, number, group: `operator` is also a group of Debian's own.
_USERS = (("operator", 1001, 37), ("deployer", 1002, 1002))


def build(lab: Lab, base: Path) -> Path:
    """The directory, made unless it is there: hosts that are on have it mounted."""
    done, top = lab.state / "common", lab.state / "common.new"
    if done.is_dir():
        return done
    shutil.rmtree(top, ignore_errors=True)
    shutil.copytree(assets.directory() / "hosts" / "common", top)
    (top / "etc/sudoers.d/lab").chmod(0o440)
    for directory in (
        "etc/cni/net.d",
        "etc/kubernetes",
        "usr/lib/modules",
        "var/lib/containerd",
        "var/lib/kubelet",
        "img",
    ):
        (top / directory).mkdir(parents=True, exist_ok=True)
    _switch_off(top)
    _users(top, base, lab.settings.operator_password)
    _authorize(top, (lab.state / "keys" / "client.pub").read_text())
    top.rename(done)
    return done


def _switch_off(top: Path) -> None:
    units = top / "etc/systemd/system"
    for unit in _MASKED:
        (units / unit).symlink_to("/dev/null")
    wants = units / "multi-user.target.wants"
    wants.mkdir()
    for unit in _ENABLED_ELSEWHERE:
        os.mknod(wants / unit, stat.S_IFCHR, os.makedev(0, 0))  # overlayfs: hides the lower file


def _users(top: Path, base: Path, password: str) -> None:
    """Two users beside root: `operator` has sudo with the password, `deployer` without one."""
    hashed = subprocess.run(
        ["chroot", str(base), "openssl", "passwd", "-6", "-stdin"],
        input=password, capture_output=True, text=True, timeout=10, check=True,
    ).stdout.strip()  # fmt: skip
    added = {
        "passwd": [f"{name}:x:{uid}:{gid}::/home/{name}:/bin/bash" for name, uid, gid in _USERS],
        "shadow": [f"operator:{hashed}:20000:0:99999:7:::", "deployer:*:20000:0:99999:7:::"],
        "group": ["deployer:x:1002:"],
    }
    for file, lines in added.items():
        target = top / "etc" / file
        shutil.copy2(base / "etc" / file, target)
        with target.open("a") as end:
            end.write("\n".join(lines) + "\n")


def _authorize(top: Path, public: str) -> None:
    for home, uid, gid in (("root", 0, 0), *((f"home/{n}", u, g) for n, u, g in _USERS)):
        keys = top / home / ".ssh"
        keys.mkdir(parents=True, mode=0o700)
        (keys / "authorized_keys").write_text(public)
        for path in (top / home, keys, keys / "authorized_keys"):
            os.chown(path, uid, gid)
        (top / home).chmod(0o700)
