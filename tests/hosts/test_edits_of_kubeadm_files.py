"""kubeadm's own files: an edit gives, byte for byte, what kubeadm writes for the wanted value."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from k8snet_provision.edits import static_pod
from k8snet_provision.edits.yaml_value import get, with_value
from k8snet_provision.lab.artifacts import ensure

pytestmark = pytest.mark.hosts

OLD, NEW = "10.96.0.0/16", "10.254.0.0/16"
CONFIG = f"""\
apiVersion: kubeadm.k8s.io/v1beta4
kind: InitConfiguration
localAPIEndpoint:
  advertiseAddress: 192.0.2.10
---
apiVersion: kubeadm.k8s.io/v1beta4
kind: ClusterConfiguration
kubernetesVersion: v1.36.3
apiServer:
  extraArgs:
  - name: service-node-port-range
    value: 30000-32767   # the default
networking:
  podSubnet: 10.244.0.0/16
  serviceSubnet: {OLD}   # as installed
"""


@pytest.fixture(scope="module")
def programs() -> Path:
    """The directory of the cluster's programs."""
    return ensure(lambda _: None).layer / "usr/local/bin"


def manifests(programs: Path, directory: Path, config: str) -> dict[str, str]:
    """What `kubeadm init phase control-plane all --dry-run` writes, by component."""
    written = directory / "manifests"
    written.mkdir(parents=True)
    (directory / "config.yaml").write_text(config)
    subprocess.run(
        [programs / "kubeadm", "init", "phase", "control-plane", "all", "--dry-run", "--config", "config.yaml"],
        cwd=directory,
        env={**os.environ, "KUBEADM_INIT_DRYRUN_DIR": str(written)},
        timeout=60,
        check=True,
        capture_output=True,
    )
    return {path.stem: path.read_text() for path in written.iterdir()}


@pytest.mark.parametrize("component", ["kube-apiserver", "kube-controller-manager"])
def test_an_edited_manifest_is_what_kubeadm_writes_for_the_new_range(
    programs: Path, tmp_path: Path, component: str
) -> None:
    cluster = ("networking", "serviceSubnet")
    config = with_value(CONFIG, cluster, NEW, kind="ClusterConfiguration")
    assert config == CONFIG.replace(OLD, NEW)
    before = manifests(programs, tmp_path / "old", CONFIG)[component]
    after = manifests(programs, tmp_path / "new", config)[component]
    assert before != after
    edited = static_pod.with_flags(before, component, {"service-cluster-ip-range": NEW})
    assert edited == after
    assert static_pod.with_flags(edited, component, {"service-cluster-ip-range": OLD}) == before


def test_an_edited_kube_proxy_configuration_is_what_kube_proxy_reads(programs: Path, tmp_path: Path) -> None:
    printed = subprocess.run(
        [programs / "kubeadm", "config", "print", "init-defaults", "--component-configs", "KubeProxyConfiguration"],
        timeout=60,
        check=True,
        capture_output=True,
        text=True,
    ).stdout
    kind = "KubeProxyConfiguration"
    wanted = {"mode": "nftables", "conntrack": {"tcpBeLiberal": True}, "nftables": {"minSyncPeriod": "2s"}}
    edited = with_value(printed, (), wanted, kind=kind)
    (tmp_path / "in.yaml").write_text(next(part for part in edited.split("---\n") if kind in part))
    command = [programs / "kube-proxy", "--config", "in.yaml", "--write-config-to", "out.yaml"]
    subprocess.run(command, cwd=tmp_path, timeout=60, check=True, capture_output=True)
    read = (tmp_path / "out.yaml").read_text()
    assert [get(read, path) for path in (("mode",), ("conntrack", "tcpBeLiberal"), ("nftables", "minSyncPeriod"))] == [
        "nftables",
        True,
        "2s",
    ]
