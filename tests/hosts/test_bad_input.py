"""What goes wrong with an operator's hosts ends in one message and the right exit code, and nothing half done.

Each test breaks a host of a cluster just installed and mends it again. The last one applies the plan for
good: none of what came before was in its way.
"""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.hosts.labs import LabCluster, broken, up
from tests.program import Ran

pytestmark = pytest.mark.hosts

UNIT = "/etc/systemd/system/kube-apiserver.service"
SAME, FAILED, DIFFERS, INCOMPLETE = 0, 1, 2, 3


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LabCluster]:
    """One control plane, one node."""
    target = tmp_path_factory.mktemp("bad") / "inventory"
    try:
        yield up(target, "faulty", "10.141.14.0/24", {"kube_control_plane": ["cp1"], "kube_node": ["node1"]}, "systemd")
    finally:
        LabCluster(target).lab("down")


@pytest.fixture
def variant(cluster: LabCluster, tmp_path: Path) -> LabCluster:
    """The same hosts, with an inventory that a test may spoil."""
    return LabCluster(Path(shutil.copytree(cluster.inventory, tmp_path / "inventory")))


def facts(cluster: LabCluster) -> str:
    """What a change would touch first, last and in between."""
    here = cluster.on("cp1", f"sha256sum {UNIT}; ls -A /etc/systemd/system; kubectl get service kubernetes -o name")
    return here + cluster.on("node1", "sha256sum /var/lib/kubelet/config.yaml")


def tidy(ran: Ran) -> None:
    assert "Traceback" not in ran.out + ran.err, ran


def connection(cluster: LabCluster, text: str) -> None:
    (cluster.inventory / "group_vars" / "all" / "connection.yml").write_text(text)


WITH_KEY = 'ansible_ssh_private_key_file: "{{ inventory_dir }}/.ssh/id_lab"\n'

LOGINS = {
    "ansible_user: root\nansible_ssh_private_key_file: KEY\n": "refused the login of root (offered the key KEY)",
    f"ansible_user: operator\n{WITH_KEY}": "operator is not root; hint: set ansible_become",
    f"ansible_user: operator\nansible_become: true\n{WITH_KEY}": "sudo asks operator for a password",
    f"ansible_user: operator\nansible_become: true\nansible_become_password: wrong\n{WITH_KEY}": (
        "sudo refused the become password of operator; hint: check ansible_become_password"
    ),
}


@pytest.mark.parametrize("login", LOGINS)
def test_a_login_that_is_refused(variant: LabCluster, tmp_path: Path, login: str) -> None:
    key = tmp_path / "key"
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(key)], check=True, timeout=20)
    connection(variant, login.replace("KEY", str(key)))
    ran = variant.tool("diff")
    tidy(ran)
    assert ran.code == INCOMPLETE, ran
    lines = [line for line in ran.out.splitlines() if line.startswith("? ")]
    assert [line.split(":")[0] for line in lines] == ["? cp1", "? node1", "? cluster"]
    assert all(LOGINS[login].replace("KEY", str(key)) in line for line in lines[:2]), ran


def test_sudo_with_its_password_sees_what_root_sees(variant: LabCluster) -> None:
    as_root = json.loads(variant.tool("diff", "--output", "json").out)
    connection(variant, f"ansible_user: operator\nansible_become: yes\nansible_become_password: operator\n{WITH_KEY}")
    ran = variant.tool("diff", "--output", "json")
    assert ran.code == DIFFERS, ran
    assert json.loads(ran.out)["changes"] == as_root["changes"]


def test_a_host_key_that_changed(variant: LabCluster) -> None:
    known = variant.inventory / ".ssh" / "known_hosts"
    first, second = known.read_text().splitlines()[:2]
    known.write_text(f"{first.split()[0]} {' '.join(second.split()[1:])}\n{second}\n")
    ran = variant.tool("diff")
    tidy(ran)
    assert ran.code == INCOMPLETE, ran
    assert "the host key of 10.141.14.11 has changed: it presents ssh-ed25519 SHA256:" in ran.out
    assert f"{known}:1 has ssh-ed25519 SHA256:" in ran.out


def test_nothing_starts_while_a_control_plane_is_off(cluster: LabCluster) -> None:
    before = facts(cluster)
    with broken(cluster, "cp1", "systemctl stop ssh.socket ssh.service", "systemctl start ssh.service"):
        ran = cluster.tool("apply", "--yes")
    tidy(ran)
    assert ran.code == INCOMPLETE, ran
    assert "? cp1: host could not be observed: cp1 (10.141.14.11) refused the connection on port 22" in ran.out
    assert facts(cluster) == before


BLIND = {
    "kubectl missing": (
        "mv /usr/local/bin/kubectl /usr/local/bin/kubectl.away",
        "mv /usr/local/bin/kubectl.away /usr/local/bin/kubectl",
        "cluster: objects could not be observed: cp1: kubectl not found: tried kubectl /usr/local/bin/kubectl",
    ),
    "apiserver down": (
        "systemctl stop kube-apiserver",
        "systemctl start kube-apiserver",
        "cluster: objects could not be observed: cp1: Unable to connect to the server",
    ),
}


@pytest.mark.parametrize("case", BLIND)
def test_nothing_starts_while_the_cluster_cannot_be_read(cluster: LabCluster, case: str) -> None:
    break_it, mend_it, said = BLIND[case]
    before = facts(cluster)
    with broken(cluster, "cp1", break_it, mend_it):
        started = time.monotonic()
        ran = cluster.tool("apply", "--yes")
        took = time.monotonic() - started
        verified = cluster.tool("verify")
    tidy(ran)
    assert ran.code == INCOMPLETE, ran
    assert said in ran.out
    assert "nothing was changed" in ran.err
    assert took < 60  # it waits for nobody who cannot answer
    assert verified.code == INCOMPLETE, verified
    assert said in verified.out
    assert facts(cluster) == before


FLAG = "--service-cluster-ip-range=10.96.0.0/16"
UNREADABLE = {
    "flag given twice": (f"sed -i 's#{FLAG}#{FLAG} {FLAG}#' {UNIT}", FAILED, "is given 2 times, at"),
    "garbage": (f"head -c 3000 /dev/urandom >{UNIT}", FAILED, "kube-apiserver has no ExecStart="),
    "huge": (f"head -c 6000000 /dev/zero >>{UNIT}", INCOMPLETE, f"{UNIT}: larger than 1048576 bytes: 600"),
    "empty": (f": >{UNIT}", FAILED, "kube-apiserver has no ExecStart="),
}


@pytest.mark.parametrize("case", UNREADABLE)
def test_a_unit_file_that_cannot_be_edited(cluster: LabCluster, case: str) -> None:
    break_it, code, said = UNREADABLE[case]
    with broken(cluster, "cp1", f"cp -a {UNIT} /root/unit; {break_it}", f"cp -a /root/unit {UNIT}; rm /root/unit"):
        before = cluster.on("cp1", f"sha256sum {UNIT}")
        ran = cluster.tool("apply", "--yes")
        assert cluster.on("cp1", f"sha256sum {UNIT}") == before
    tidy(ran)
    assert ran.code == code, ran
    (line,) = [line for line in (ran.out + ran.err).splitlines() if said in line]
    assert UNIT in line
    assert "nothing was changed" in ran.err


FULL = "mkdir -p /mnt/small && mount -t tmpfs -o size=256k tmpfs /mnt/small"
FILL = "head -c 300000 /dev/zero >/mnt/small/fill 2>/dev/null || true"
DISKS = {
    "full disk": (
        f"{FULL}; cp -a /etc/systemd/system/. /mnt/small/; {FILL}; mount --bind /mnt/small /etc/systemd/system",
        "umount /etc/systemd/system /mnt/small",
        "No space left on device",
    ),
    "read-only": (
        "mount --bind /etc/systemd/system /etc/systemd/system; mount -o remount,ro,bind /etc/systemd/system",
        "umount /etc/systemd/system",
        "Read-only file system",
    ),
    "an apiserver that refuses the range": (
        "mkdir /mnt/real; mv /usr/local/bin/kube-apiserver /mnt/real/; printf '%s\\n' '#!/bin/sh' "
        '\'case "$*" in *10.254.*) echo "refused: the range" >&2; exit 1 ;; esac\' '
        "'exec /mnt/real/kube-apiserver \"$@\"' >/usr/local/bin/kube-apiserver; "
        "chmod 755 /usr/local/bin/kube-apiserver",
        "mv -f /mnt/real/kube-apiserver /usr/local/bin/; rmdir /mnt/real; systemctl restart kube-apiserver",
        "refused: the range",
    ),
}


def test_what_cannot_be_put_back_is_not_begun(cluster: LabCluster) -> None:
    """No room for the journal and the backups: the preflight says so, and who skips it is stopped all the same."""
    full = f"{FULL}; mkdir -p /var/lib/k8snet-provision; {FILL}; mount --bind /mnt/small /var/lib/k8snet-provision"
    before = facts(cluster)
    with broken(cluster, "cp1", full, "umount /var/lib/k8snet-provision /mnt/small"):
        checked = cluster.tool("apply", "--yes", "--no-diff")
        skipped = cluster.tool("apply", "--yes", "--no-diff", "--skip", "K8N463", "--skip", "K8N464")
    assert (checked.code, skipped.code) == (FAILED, FAILED)
    assert "cp1: K8N463" in checked.err
    assert "cp1: K8N420 the journal of the run cannot be kept on this host" in skipped.err
    assert "No space left on device" in skipped.err
    assert facts(cluster) == before


@pytest.mark.parametrize("case", DISKS)
def test_a_control_plane_that_fails_is_put_back_and_the_rest_is_not_touched(cluster: LabCluster, case: str) -> None:
    break_it, mend_it, said = DISKS[case]
    before = facts(cluster)
    with broken(cluster, "cp1", break_it, mend_it):
        ran = cluster.tool("apply", "--yes", "--no-diff", "--skip", "K8N463", "--skip", "K8N464")
        cluster.on("cp1", "kubectl get --raw /readyz")
    tidy(ran)
    assert ran.code == FAILED, ran
    (failed,) = [line for line in ran.out.splitlines() if line.startswith("failed: ")]
    assert failed.startswith("failed: kube-apiserver on cp1: ")
    assert said in failed
    assert "put back and seen to work: cp1" in ran.out
    assert "not touched: service-range on cluster" in ran.out
    assert facts(cluster) == before


@dataclass
class Running:
    """An `apply` that is under way, with what it says on its way."""

    process: subprocess.Popen[str]

    def until(self, word: str) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            if word in line:
                return
        pytest.fail(f"it ended without saying {word!r}")

    def interrupt(self) -> Ran:
        self.process.send_signal(signal.SIGINT)
        out, err = self.process.communicate(timeout=200)
        return Ran(self.process.returncode, out, err)


@contextmanager
def applying(cluster: LabCluster, *more: str) -> Iterator[Running]:
    command = [sys.executable, "-m", "k8snet_provision", "apply", str(cluster.inventory), "--yes", *more]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=-1, stderr=-1, text=True) as process:
        yield Running(process)


def test_interrupts_stop_between_batches_and_the_next_run_finishes(cluster: LabCluster) -> None:
    """One story: in the middle of a batch, while observing, then for good."""
    with applying(cluster, "--no-diff") as running:
        wait_for_the_new_apiserver(cluster)
        ran = running.interrupt()
    tidy(ran)
    assert ran.code == FAILED, ran
    assert "interrupted: finishing the batch in hand" in ran.err
    assert "ok      kube-apiserver" in ran.err
    assert "not touched: service-range on cluster" in ran.out
    assert cluster.kubectl("get --raw /readyz") == "ok"
    assert cluster.objects("get servicecidr kubernetes")["spec"]["cidrs"] == ["10.96.0.0/16"]

    with applying(cluster) as running:
        time.sleep(0.8)
        ran = running.interrupt()
    tidy(ran)
    # On a busy machine the program is still being loaded by then, and ends by the signal itself.
    assert ran.code in (FAILED, -signal.SIGINT), ran
    assert "interrupted" in ran.err

    ran = cluster.tool("apply", "--yes", "--no-diff", timeout=400)
    assert ran.code == SAME, ran
    again = cluster.tool("diff")
    assert again.code == SAME, again


def wait_for_the_new_apiserver(cluster: LabCluster) -> None:
    ends = time.monotonic() + 60
    while time.monotonic() < ends:
        if "10.254.0.0/16" in cluster.on("cp1", f"cat {UNIT}"):
            return
        time.sleep(0.1)
    pytest.fail("the unit was not written")
