"""A control plane of static pods: what is written is what runs, and what kubeadm will write next time."""

import pytest
from testinfra.host import Host

testinfra_hosts = ["kube_control_plane"]

RANGE = "10.254.0.0/16"
FLAG = f"--service-cluster-ip-range={RANGE}"
KEPT = "-n kube-system get configmap kubeadm-config -o 'jsonpath={.data.ClusterConfiguration}'"


@pytest.mark.parametrize("name", ["kube-apiserver", "kube-controller-manager"])
def test_a_static_pod_and_its_process_have_the_new_range(host: Host, name: str) -> None:
    assert host.file(f"/etc/kubernetes/manifests/{name}.yaml").contains(FLAG)
    assert FLAG in host.process.get(comm=name[:15]).args.split()


def test_kubeadm_writes_the_new_range_at_the_next_upgrade(host: Host) -> None:
    kept = host.check_output(f"kubectl --kubeconfig /etc/kubernetes/admin.conf {KEPT}")
    assert f"serviceSubnet: {RANGE}" in [line.strip() for line in kept.splitlines()]
