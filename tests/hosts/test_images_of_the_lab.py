"""The images as they are built: what kubeadm asks for, and programs that run with what is in the image alone."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from k8snet_provision.lab.artifacts import Artifacts, ensure

pytestmark = pytest.mark.hosts

PROXY_COMMANDS = {
    "iptables": "iptables -A OUTPUT -m statistic --mode random --probability 0.5 -m comment --comment x -j ACCEPT",
    "ip6tables": "ip6tables-save",
    "restore": "printf '*nat\\n:KUBE-X - [0:0]\\nCOMMIT\\n' | iptables-restore && iptables-save | grep KUBE-X",
    "nft": "nft add table ip kube-proxy && nft list ruleset | grep kube-proxy",
    "conntrack": "conntrack -L",
    "ipset": "ipset create x hash:ip && ipset list x | grep hash:ip",
    "kmod": "/usr/sbin/modprobe --version | grep kmod",
    "kube-proxy": "kube-proxy --version | grep v1.36.3",
}


@pytest.fixture(scope="module")
def artifacts() -> Artifacts:
    return ensure(print)


def _unpack(archive: Path, out: Path) -> Path:
    with tarfile.open(archive) as tar:

        def blob(descriptor: dict[str, str]) -> bytes:
            member = tar.extractfile(f"blobs/{descriptor['digest'].replace(':', '/')}")
            assert member is not None
            return member.read()

        index = tar.extractfile("index.json")
        assert index is not None
        [manifest] = json.load(index)["manifests"]
        [layer] = json.loads(blob(manifest))["layers"]
        with tarfile.open(fileobj=io.BytesIO(blob(layer))) as files:
            files.extractall(out, filter="tar")
    return out


def _in_image(root: Path, busybox: Path, script: str) -> subprocess.CompletedProcess[str]:
    """Run with the image's files and a static shell, in a network namespace of its own."""
    shutil.copy(busybox, root / "busybox")
    (root / "dev").mkdir(exist_ok=True)
    (root / "dev/null").touch()  # the shell opens it for what runs in the background
    command = ("unshare", "--net", "--mount", "chroot", str(root), "/busybox", "sh", "-ec", script)
    path = {"PATH": "/usr/local/bin:/usr/sbin:/usr/bin:/bin"}
    return subprocess.run(command, capture_output=True, text=True, timeout=30, check=False, env=path)


def test_the_images_are_those_kubeadm_asks_for(artifacts: Artifacts) -> None:
    kubeadm = artifacts.layer / "usr/local/bin/kubeadm"
    command = (kubeadm, "config", "images", "list", "--kubernetes-version", artifacts.kubernetes_version)
    asked = subprocess.run(command, capture_output=True, text=True, timeout=30, check=True).stdout.split()
    assert len(asked) == 7
    assert set(asked) <= set(artifacts.image_names.values())


def test_there_is_an_archive_for_every_name(artifacts: Artifacts) -> None:
    assert {path.stem for path in artifacts.images.glob("*.tar")} == set(artifacts.image_names)


@pytest.fixture(scope="module")
def proxy(artifacts: Artifacts, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return _unpack(artifacts.images / "kube-proxy.tar", tmp_path_factory.mktemp("kube-proxy"))


@pytest.mark.parametrize("name", PROXY_COMMANDS)
def test_what_kube_proxy_runs_works_inside_its_image(artifacts: Artifacts, proxy: Path, name: str) -> None:
    script = PROXY_COMMANDS[name].replace("| grep", "| /busybox grep")
    done = _in_image(proxy, artifacts.base / "usr/bin/busybox", script)
    assert done.returncode == 0, done.stderr


def test_the_probe_image_has_a_shell_and_the_probe(artifacts: Artifacts, tmp_path: Path) -> None:
    root = _unpack(artifacts.images / "probe.tar", tmp_path)
    serving = "ip link set lo up; probe serve 127.0.0.1:80 >/tmp/log & sleep 0.3; probe get http://127.0.0.1/; kill $!"
    done = _in_image(root, artifacts.base / "usr/bin/busybox", serving)
    assert "GET 127.0.0.1 /" in done.stdout, done.stderr
