"""SSH keys of a lab: one for the client, one per host, all made before a host boots.

Since the lab makes the host keys it writes known_hosts from what it knows rather than from what the
network says, and host key checking stays strict. Keys live as long as the lab.
"""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from k8snet_provision.lab.settings import Host, Lab


def client_key(lab: Lab) -> Path:
    """The private key the inventory names in ansible_ssh_private_key_file."""
    return lab.inventory / ".ssh" / "id_lab"


def known_hosts(lab: Lab) -> Path:
    return lab.inventory / ".ssh" / "known_hosts"


def host_key(lab: Lab, host: str) -> Path:
    return lab.state / "keys" / host


def make(lab: Lab, hosts: tuple[Host, ...]) -> None:
    """Make the keys that are missing, then write the inventory's private key and known_hosts."""
    kept = lab.state / "keys"
    kept.mkdir(mode=0o700, parents=True, exist_ok=True)
    for name in ("client", *(host.name for host in hosts)):
        if not (kept / f"{name}.pub").exists():
            _generate(kept / name, f"{name}@{lab.name}")
    _publish(lab)


def _generate(file: Path, comment: str) -> None:
    file.unlink(missing_ok=True)
    command = ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", comment, "-f", str(file)]
    subprocess.run(command, check=True, capture_output=True, timeout=10, stdin=subprocess.DEVNULL)


def _publish(lab: Lab) -> None:
    """Every host that has a key is listed, so a lab that grew keeps the hosts it had."""
    directory = client_key(lab).parent
    directory.mkdir(mode=0o700, exist_ok=True)
    kept = lab.state / "keys"
    _replace(client_key(lab), (kept / "client").read_text(), 0o600)
    lines = []
    for host in lab.everyone:
        public = kept / f"{host.name}.pub"
        if public.exists():
            kind, key = public.read_text().split()[:2]
            lines.append(f"{host.address},{host.name} {kind} {key}\n")
    _replace(known_hosts(lab), "".join(lines), 0o644)


def _replace(file: Path, text: str, mode: int) -> None:
    staged = file.with_suffix(".new")
    staged.touch(mode=mode)
    staged.chmod(mode)
    staged.write_text(text)
    staged.replace(file)


def forget(lab: Lab) -> None:
    shutil.rmtree(client_key(lab).parent, ignore_errors=True)
