"""The service range: what the apiservers were told, what they do, and what pods get of it."""

from __future__ import annotations

import ipaddress
import json

from testinfra.host import Host

from k8snet_provision.seen import World
from k8snet_provision.verification.pods import Pod


def test_flags(control_plane: Host, world: World) -> None:
    """the running kube-apiserver carries the service range and the node port range"""
    argv = control_plane.check_output(
        "for p in /proc/[0-9]*; do case $(tr '\\0' ' ' <$p/cmdline 2>/dev/null) in "
        "*kube-apiserver' '*--service-cluster-ip-range*) tr '\\0' '\\n' <$p/cmdline; break ;; esac; done"
    ).splitlines()
    wanted = ",".join(map(str, world.topology.service_cidr))
    assert f"--service-cluster-ip-range={wanted}" in argv
    ports = [word.partition("=")[2] for word in argv if word.startswith("--service-node-port-range=")]
    assert (ports or ["30000-32767"])[-1] == str(world.topology.node_port_range)


def test_ready(control_plane: Host, world: World) -> None:
    """the apiserver answers /readyz"""
    assert control_plane.check_output(f"{world.prelude}\nK get --raw /readyz") == "ok"


def test_service_cidr(world: World) -> None:
    """the ServiceCIDR object and the Service kubernetes are in the wanted range"""
    cidrs = {item["metadata"]["name"]: item["spec"]["cidrs"] for item in world.state.service_cidrs or ()}
    assert cidrs["kubernetes"] == list(map(str, world.topology.service_cidr))
    services = {(s["metadata"]["namespace"], s["metadata"]["name"]): s for s in world.state.services}
    assert services["default", "kubernetes"]["spec"]["clusterIP"] == str(world.topology.first_service_address)
    assert services["kube-system", "kube-dns"]["spec"]["clusterIP"] == str(world.topology.dns_address)


def test_every_service(world: World) -> None:
    """every Service has an address of the wanted range"""
    addresses = {
        f"{s['metadata']['namespace']}/{s['metadata']['name']}": ipaddress.ip_address(address)
        for s in world.state.services
        for address in s["spec"].get("clusterIPs", [])
        if address != "None"
    }
    ranges = world.topology.service_cidr
    assert {name: str(a) for name, a in addresses.items() if not any(a in r for r in ranges)} == {}


def test_new_service(node: Host, pod: Pod, world: World) -> None:
    """a new Service gets an address of the wanted range, and a new pod finds it in its environment"""
    address = ipaddress.ip_address(pod.environment(node)["FRESH_SERVICE_HOST"])
    assert any(address in network for network in world.topology.service_cidr)


def test_environment(node: Host, pod: Pod, world: World) -> None:
    """a new pod finds the API in its environment"""
    assert pod.environment(node)["KUBERNETES_SERVICE_HOST"] == str(world.topology.first_service_address)


def test_api_from_pod(node: Host, pod: Pod, world: World) -> None:
    """https://kubernetes.default answers inside a pod, with a certificate that is valid for the name and address"""
    secrets = pod.file("/var/run/secrets/kubernetes.io/serviceaccount")
    first = world.topology.first_service_address
    at = f"[{first}]" if first.version == 6 else str(first)
    for name in ("kubernetes.default.svc", str(first)):
        check = f"-verify_{'ip' if name == str(first) else 'hostname'} {name} -verify_return_error"
        told = node.run(
            pod.inside(f"timeout 5 openssl s_client -connect {at}:443 -CAfile {secrets}/ca.crt {check} </dev/null 2>&1")
        )
        assert "Verify return code: 0 (ok)" in told.stdout, told.stdout[-300:]


def test_api_version(node: Host, pod: Pod, world: World) -> None:
    """the API answers a pod's token at the new address"""
    token = pod.file("/var/run/secrets/kubernetes.io/serviceaccount/token")
    first = world.topology.first_service_address
    at = f"[{first}]" if first.version == 6 else str(first)
    request = f"{{ printf 'header = \"Authorization: Bearer '; cat {token}; printf '\"\\n'; }} | " + pod.inside(
        f"curl -sm5 --cacert {token.removesuffix('token')}ca.crt -K - https://{at}/version"
    )
    assert json.loads(node.check_output(request))["gitVersion"] == world.state.version
