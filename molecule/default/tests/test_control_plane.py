"""A control plane of systemd units: what is written is what runs."""

import pytest
from testinfra.host import Host

testinfra_hosts = ["kube_control_plane"]

FLAG = "--service-cluster-ip-range=10.254.0.0/16"


@pytest.mark.parametrize("name", ["kube-apiserver", "kube-controller-manager"])
def test_a_unit_and_its_process_have_the_new_range(host: Host, name: str) -> None:
    assert host.service(name).is_running
    assert host.file(f"/etc/systemd/system/{name}.service").contains(FLAG)
    assert FLAG in host.process.get(comm=name[:15]).args.split()
