"""What `drift permissions` makes, installed on a lab as an administrator would: for a login that may only look."""

from __future__ import annotations

from pathlib import Path

from k8snet_provision.cluster_state import READING_KUBECONFIG
from k8snet_provision.lab import settings
from tests.hosts.labs import LabCluster
from tests.program import run

USER = "k8snet-drift"
HOME = "/var/lib/k8snet-drift"
OPTIONS = ("--installed-look", "-e", f"ansible_user={USER}")

ACCOUNT = f"""
id {USER} >/dev/null 2>&1 || useradd --system --create-home --home-dir {HOME} --shell /bin/sh {USER}
install -d -m 700 -o {USER} {HOME}/.ssh
install -m 600 -o {USER} /root/.ssh/authorized_keys {HOME}/.ssh/authorized_keys
install -D -m 700 /root/least/LOOK /usr/local/libexec/k8snet-provision/LOOK
visudo -cf /root/least/sudoers >&2
install -m 440 /root/least/sudoers /etc/sudoers.d/k8snet-drift
rm -r /root/least
"""


def install(lab: LabCluster, folder: Path) -> None:
    """The files of the command, and no more: account, key, program, sudoers; the role with its kubeconfig on cp1."""
    made = run("drift", "permissions", str(lab.inventory), "--to", str(folder))
    assert made.code == 0, made
    described = settings.read(lab.inventory)
    hosts = [path for path in folder.iterdir() if path.is_dir()]
    for host in hosts:
        (look,) = host.iterdir()
        there = described.root(host.name) / "root" / "least"
        there.mkdir()
        for file in (look, folder / "sudoers", *([folder / "rbac.yaml"] if host.name == "cp1" else [])):
            (there / file.name).write_bytes(file.read_bytes())
        if host.name == "cp1":
            (there / "kubeconfig.sh").write_bytes((folder / "kubeconfig.sh").read_bytes())
            lab.on("cp1", "KUBECONFIG=/etc/kubernetes/admin.conf sh /root/least/kubeconfig.sh >&2")
        lab.on(host.name, ACCOUNT.replace("LOOK", look.name))


def by(lab: LabCluster, host: str, command: str) -> str:
    """What the account gets for an answer on a host, with the exit code behind it."""
    return lab.on(host, f"su {USER} -c '{command}; echo \" exit $?\"' 2>&1")


def may(lab: LabCluster, request: str) -> str:
    """kubectl's answer to whether the kubeconfig's account may do something."""
    return lab.on("cp1", f"kubectl --kubeconfig {READING_KUBECONFIG} auth can-i {request} 2>/dev/null || true").strip()
