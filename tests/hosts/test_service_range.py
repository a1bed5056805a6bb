"""The service range of a real cluster: refused, put back, continued, in use; as units and as static pods."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from ipaddress import ip_address, ip_network

import pytest

from tests.hosts.labs import LabCluster

pytestmark = pytest.mark.hosts

NEW = ip_network("10.254.0.0/16")
UNIT = "/etc/systemd/system/kube-apiserver.service"


@contextmanager
def a_service(cluster: LabCluster, name: str) -> Iterator[str]:
    """Its ClusterIP, as the cluster gave it."""
    cluster.kubectl(f"create service clusterip {name} --tcp=80")
    try:
        yield cluster.objects(f"get service {name}")["spec"]["clusterIP"]
    finally:
        cluster.kubectl(f"delete service {name}")


def sees_the_api_at_its_new_address(cluster: LabCluster, host: str) -> bool:
    """With the name and the CA that Pods use; curl fails on a certificate that lacks either."""
    for place in ("https://kubernetes.default.svc/version", f"https://{NEW[1]}/version"):
        ask = (
            f"curl -sS -m 10 --cacert /etc/kubernetes/pki/ca.crt --resolve kubernetes.default.svc:443:{NEW[1]} {place}"
        )
        if '"gitVersion"' not in cluster.on(host, ask):
            return False
    return True


def in_use(cluster: LabCluster) -> None:
    found = cluster.objects("get servicecidr kubernetes")
    assert found["spec"]["cidrs"] == [str(NEW)]
    assert [c["status"] for c in found["status"]["conditions"] if c["type"] == "Ready"] == ["True"]
    with a_service(cluster, "after") as address:
        assert ip_address(address) in NEW
    assert sees_the_api_at_its_new_address(cluster, "node1")
    again = cluster.tool("diff")
    assert (again.code, "nothing to change" in again.out) == (0, True), again


def test_services_of_the_old_range_are_listed_and_nothing_changes(fresh_systemd: LabCluster) -> None:
    before = fresh_systemd.on("cp1", f"sha256sum {UNIT} /etc/kubernetes/pki/apiserver.crt")
    with a_service(fresh_systemd, "in-the-way") as address:
        ran = fresh_systemd.tool("apply", "--yes")
    assert ran.code == 1, ran
    assert f"default/in-the-way ({address})" in ran.err + ran.out
    assert fresh_systemd.on("cp1", f"sha256sum {UNIT} /etc/kubernetes/pki/apiserver.crt") == before


def test_an_apiserver_that_does_not_start_with_the_flag_is_put_back_and_the_next_is_not_touched(
    fresh_systemd: LabCluster,
) -> None:
    drop_in = f"{UNIT}.d/refuse.conf"
    refuse = f"[Service]\\nExecStartPre=/bin/sh -c '! grep -q {NEW} {UNIT}'\\n"
    fresh_systemd.on("cp1", f'mkdir -p {UNIT}.d; printf "{refuse}" >{drop_in}; systemctl daemon-reload')
    before = {host: fresh_systemd.on(host, f"sha256sum {UNIT}") for host in ("cp1", "cp2")}
    ran = fresh_systemd.tool("apply", "--yes", "--tags", "kube-apiserver,service-range")
    fresh_systemd.on("cp1", f"rm {drop_in}; systemctl daemon-reload")
    assert ran.code == 1, ran
    assert "put back" in ran.out + ran.err
    assert {host: fresh_systemd.on(host, f"sha256sum {UNIT}") for host in ("cp1", "cp2")} == before
    assert fresh_systemd.on("cp1", "kubectl get --raw /readyz").strip() == "ok"
    assert fresh_systemd.objects("get servicecidr kubernetes")["spec"]["cidrs"] == ["10.96.0.0/16"]


def test_a_change_that_was_cut_short_is_continued(fresh_systemd: LabCluster) -> None:
    fresh_systemd.kubectl("delete servicecidr kubernetes --wait=false")
    fresh_systemd.kubectl("-n kube-system delete service kube-dns")
    ran = fresh_systemd.tool("apply", "--yes", timeout=600)
    assert ran.code == 0, ran
    in_use(fresh_systemd)


def test_static_pods_and_what_kubeadm_would_write_agree(fresh_kubeadm: LabCluster) -> None:
    ran = fresh_kubeadm.tool("apply", "--yes", timeout=600)
    assert ran.code == 0, ran
    in_use(fresh_kubeadm)
    manifests = "/etc/kubernetes/manifests"
    assert fresh_kubeadm.on("cp1", f"ls -A {manifests}").split() == [
        "etcd.yaml",
        "kube-apiserver.yaml",
        "kube-controller-manager.yaml",
        "kube-scheduler.yaml",
    ]
    kept = "kubectl -n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}'"
    would = "kubeadm init phase control-plane all --config /root/kept.yaml --dry-run >/dev/null"
    written = "cat /etc/kubernetes/tmp/kubeadm-init-dryrun*/kube-*.yaml"
    text = fresh_kubeadm.on("cp1", f"{kept} >/root/kept.yaml && {would} && {written}")
    assert text.count(f"--service-cluster-ip-range={NEW}") == 2
