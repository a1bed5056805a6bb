"""The nodes: kube-proxy in the new mode, and Services that answer at their new addresses."""

from ipaddress import ip_address, ip_network

from testinfra.host import Host

testinfra_hosts = ["kube_node"]


def test_kube_proxy_works_in_the_new_mode(host: Host) -> None:
    assert host.check_output("curl -sfm5 http://127.0.0.1:10249/proxyMode") == "nftables"
    assert "table ip kube-proxy" in host.check_output("nft list tables").splitlines()


def test_no_rule_of_the_old_mode_is_left(host: Host) -> None:
    rules = host.check_output("iptables-save")
    assert [line for line in rules.splitlines() if "KUBE-SERVICES" in line or "KUBE-SVC-" in line] == []


def test_the_api_answers_at_its_new_address(host: Host) -> None:
    assert '"gitVersion"' in host.check_output("curl -skfm5 https://10.254.0.1/version")


def test_names_of_services_lead_to_the_new_range(host: Host) -> None:
    found = host.check_output("dig +short +time=2 @10.254.0.10 app.demo.svc.cluster.local")
    assert ip_address(found) in ip_network("10.254.0.0/16")
