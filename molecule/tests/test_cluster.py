"""What the cluster itself says of its Services, whatever runs the control plane."""

from ipaddress import ip_address, ip_network

from testinfra.host import Host

testinfra_hosts = ["kube_control_plane"]

RANGE = ip_network("10.254.0.0/16")


def kubectl(host: Host, arguments: str) -> str:
    return host.check_output(f"kubectl --kubeconfig /etc/kubernetes/admin.conf {arguments}")


def test_addresses_are_given_from_the_new_range_only(host: Host) -> None:
    assert kubectl(host, "get servicecidrs -o 'jsonpath={.items[*].spec.cidrs[*]}'") == str(RANGE)


def test_no_service_kept_an_address_of_the_old_range(host: Host) -> None:
    services = kubectl(host, "get services -A -o 'jsonpath={.items[*].spec.clusterIP}'").split()
    assert str(RANGE[1]) in services
    assert [address for address in services if address != "None" and ip_address(address) not in RANGE] == []
