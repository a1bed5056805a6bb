"""Every rule: an inventory that breaks exactly that one, and the line it is blamed on."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import pytest

from k8snet_provision.inventory import load
from k8snet_provision.problems import Severity
from k8snet_provision.topology import Cluster, Topology
from k8snet_provision.topology.rules import RULES
from k8snet_provision.topology.rules_networks import service_range_is_too_wide

from .cases_catalogue import CASES as CATALOGUE
from .cases_ways_in import CASES as WAYS_IN
from .written import HOSTS, TOPOLOGY, replaced, write

ERROR, WARNING = Severity.ERROR, Severity.WARNING


@dataclass(frozen=True)
class Case:
    """Changes to a sound inventory, and where the one problem is: a text in topology.yml or hosts.yml."""

    code: str
    severity: Severity
    topology: tuple[tuple[str, str], ...] = ()
    hosts: tuple[tuple[str, str], ...] = ()
    line: str = ""
    host_line: str = ""
    says: str = ""


def topology(code: str, severity: Severity, *changes: tuple[str, str], line: str, says: str = "") -> Case:
    return Case(code, severity, topology=changes, line=line, says=says)


def hosts(code: str, severity: Severity, *changes: tuple[str, str], line: str = "", says: str = "") -> Case:
    return Case(code, severity, hosts=changes, host_line=line, says=says)


# Those that break with others, and those about certificates, have tests of their own.
ON_THEIR_OWN = {"K8N105", "K8N161", "K8N171", "K8N175", "K8N180", "K8N193", "K8N194", "K8N195", "K8N196"}

SERVICE, POD = "service_cidr: 10.254.0.0/16", "pod_cidr: 10.244.0.0/16"
ADDRESS = "    address: 10.254.0.10\n"
PROXY = "    mode: nftables\n    nftables: {masquerade_all: false}\n"
UPSTREAM = "[192.0.2.53]"

CASES = [
    hosts("K8N110", ERROR, ("kube_control_plane:", "masters:"), says="kube_control_plane"),
    hosts("K8N111", WARNING, ("kube_node:", "workers:"), ("ingress:", "web:"), says="kube_node"),
    hosts("K8N112", WARNING, ("{cp1: {}, cp2: {}, cp3: {}}", "{cp1: {}, cp2: {}}"), says="1 or 3"),
    hosts("K8N113", WARNING, ("    w2:", "    lb1:\n    w2:"), line="lb1: {ansible_host"),
    hosts("K8N114", ERROR, ("192.0.2.22", "192.0.2.21"), line="w2: {ansible_host", says="w1"),
    hosts("K8N115", WARNING, ("w2: {ansible_host: 192.0.2.22}", "w2.example.org:"), ("w2: {}", "w1: {}"),
          line="w2.example.org"),
    hosts("K8N115", ERROR, ("192.0.2.22", "192.0.2.256"), line="192.0.2.256"),
    hosts("K8N116", ERROR, ("w2: {}}", "lb1: {}}"), line="lb1: {ansible_host"),
    topology("K8N120", ERROR, (SERVICE, "service_cidr: 10.254.0.0/16,10.253.0.0/16"), line="service_cidr"),
    topology("K8N120", ERROR, (POD, "pod_cidr: [10.244.0.0/16, 'fd00:1::/64', 'fd00:2::/64']"), line="pod_cidr"),
    topology("K8N121", WARNING, (SERVICE, "service_cidr: 11.0.0.0/11"), (ADDRESS, ""), line="service_cidr",
             says="before 1.34"),
    topology("K8N121", ERROR, (SERVICE, "service_cidr: 10.254.0.0/16,fd00:5::/60"), line="service_cidr"),
    topology("K8N122", ERROR, (SERVICE, "service_cidr: 10.254.0.0/29"), (ADDRESS, ""), line="service_cidr",
             says="/28"),
    topology("K8N122", ERROR, (SERVICE, "service_cidr: [10.254.0.0/16, 'fd00:254::/126']"), line="service_cidr",
             says="/125"),
    topology("K8N123", ERROR, (POD, "pod_cidr: 10.254.128.0/17"), line="service_cidr", says="pod_cidr"),
    topology("K8N123", ERROR, ("vips: [192.0.2.100]", "vips: [192.0.2.11]"), line="vips", says="cp1"),
    topology("K8N123", ERROR, ("[192.0.2.200-", "[192.0.2.90-"),
             ("vips: [192.0.2.100]", "vips: ['2001:db8::1', 192.0.2.220]"), line="- addresses", says="VIP 192.0.2.220"),
    topology("K8N123", ERROR, ("192.0.2.200-192.0.2.220", "203.0.113.0/28, 203.0.113.15-203.0.113.20"),
             line="- addresses", says="203.0.113.15-203.0.113.20"),
    topology("K8N123", ERROR, (POD, "pod_cidr: 192.0.2.100/32"), line="pod_cidr", says="VIP"),
    topology("K8N124", ERROR, (SERVICE, "service_cidr: 169.254.0.0/17"), (ADDRESS, ""), line="service_cidr"),
    topology("K8N124", ERROR, (POD, "pod_cidr: 127.1.0.0/16"), line="pod_cidr"),
    topology("K8N124", ERROR, (POD, "pod_cidr: [10.244.0.0/16, 'ff12::/64']"), line="pod_cidr", says="multicast"),
    topology("K8N125", ERROR, (POD, "pod_cidr: 'fd00:244::/64'"), line="service_cidr"),
    topology("K8N125", WARNING, (SERVICE, "service_cidr: 10.254.0.0/16,fd00:254::/108"),
             (POD, "pod_cidr: fd00:244::/64,10.244.0.0/16"), line="service_cidr"),
    topology("K8N130", ERROR, ("30000-32767", "80-1024"), line="node_port", says="well-known"),
    topology("K8N130", ERROR, ("30000-32767", "6000-6443"), line="node_port", says="6443 (kube-apiserver)"),
    topology("K8N140", ERROR, (ADDRESS, "    address: 10.96.0.10\n"), line="address: 10.96.0.10", says="10.254.0.10"),
    topology("K8N141", ERROR, ("10.254.0.10", "10.254.0.1"), line="    address", says="default/kubernetes"),
    topology("K8N141", ERROR, ("10.254.0.10", "10.254.0.0"), line="    address", says="the network itself"),
    topology("K8N142", WARNING, ("10.254.0.10", "10.254.1.1"), line="address: 10.254.1.1", says="10.254.1.0"),
    topology("K8N144", ERROR, (UPSTREAM, "[192.0.2.53, '127.0.0.53']"), line="upstreams"),
    topology("K8N144", ERROR, (UPSTREAM, "['10.254.0.10:53']"), line="upstreams"),
    topology("K8N144", ERROR, ("[192.0.2.54]", "['[::1]:53']"), line="corp.example: ["),
    topology("K8N145", ERROR, ("      corp.example:", "      svc.cluster.local:"), line="svc.cluster.local"),
    topology("K8N145", ERROR, ("      corp.example:", "      cluster.local:"), line="      cluster.local:"),
    topology("K8N146", ERROR, ("replicas: 2", "replicas: 6\n    spread: required"), line="replicas", says="5"),
    topology("K8N147", ERROR, ("replicas: 2", "extra_server_blocks: 'a.b:53 {'"), line="extra_server_blocks"),
    topology("K8N147", ERROR, ("replicas: 2", 'extra_server_blocks: "corp.example {\\n}"'), line="extra_server"),
    topology("K8N150", WARNING, (PROXY, "    mode: ipvs\n    ipvs: {strict_arp: true}\n"), line="mode: ipvs"),
    topology("K8N151", WARNING, ("mode: nftables", "mode: iptables"), line="    nftables:"),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.code)
def test_breaks_exactly_one_rule_and_names_its_line(case: Case, tmp_path: Path) -> None:
    written = write(tmp_path, replaced(TOPOLOGY, *case.topology), replaced(HOSTS, *case.hosts))
    (problem,) = written.problems()
    assert (problem.code, problem.severity) == (case.code, case.severity)
    if case.line:
        assert problem.where == written.line(case.line)
    elif case.host_line:
        assert problem.where == written.host_line(case.host_line)
    assert case.says in str(problem)


def test_every_rule_has_a_case() -> None:
    codes = {case.code for case in [*CASES, *WAYS_IN, *CATALOGUE]}
    assert codes | ON_THEIR_OWN == set(RULES)


def test_each_rule_gives_its_own_code() -> None:
    assert all(code in (rule.__doc__ or "") for code, rule in RULES.items())


def test_a_sound_inventory_has_no_problem(tmp_path: Path) -> None:
    cluster = write(tmp_path / "prod").cluster()
    assert cluster.name == "prod"
    assert cluster.control_planes == cluster.etcd == ("cp1", "cp2", "cp3")
    assert cluster.nodes == cluster.ingress == ("w1", "w2")
    assert cluster.load_balancers == ("lb1",)
    assert "gate" not in cluster.addresses
    assert cluster.addresses["w2"] == "192.0.2.22"


def test_the_smallest_inventory_has_no_problem(tmp_path: Path) -> None:
    hosts = "kube_control_plane: {hosts: {a: {ansible_host: 192.0.2.1}}}\nkube_node: {hosts: {a: {}}}\n"
    cluster = write(tmp_path, "topology: {service_cidr: 10.254.0.0/16}\n", hosts).cluster()
    assert str(cluster.topology.dns_address) == "10.254.0.10"
    assert str(cluster.topology.first_service_address) == "10.254.0.1"


def test_an_overlap_is_reported_once_with_both_lines(tmp_path: Path) -> None:
    written = write(tmp_path, replaced(TOPOLOGY, (POD, "pod_cidr: 10.254.0.0/16")))
    (problem,) = written.problems()
    assert problem.where == written.line("service_cidr")
    assert str(written.line("pod_cidr")) in problem.expected


def test_every_pair_that_overlaps_is_reported(tmp_path: Path) -> None:
    everything = replaced(
        TOPOLOGY, (POD, "pod_cidr: 10.254.0.0/17"), ("192.0.2.200-192.0.2.220", "10.254.1.0/24"),
        ("vips: [192.0.2.100]", "vips: [10.254.1.7]"),
    )  # fmt: skip
    kinds = {tuple(problem.text.split(" ")[::3]) for problem in write(tmp_path, everything).problems()}
    assert kinds == {
        ("service_cidr", "pod_cidr"), ("service_cidr", "pool"), ("service_cidr", "VIP"),
        ("pod_cidr", "pool"), ("pod_cidr", "VIP"), ("pool", "VIP"),
    }  # fmt: skip


def test_hosts_behind_one_address_may_differ_by_port(tmp_path: Path) -> None:
    hosts = replaced(HOSTS, ("w2: {ansible_host: 192.0.2.22}", "w2: {ansible_host: 192.0.2.21, ansible_port: 2222}"))
    assert write(tmp_path, hosts=hosts).problems() == []


def test_the_older_name_of_the_address_counts(tmp_path: Path) -> None:
    hosts = replaced(HOSTS, ("w2: {ansible_host: 192.0.2.22}", "w2: {ansible_ssh_host: 192.0.2.21}"))
    inventory = write(tmp_path, hosts=hosts)
    (problem,) = inventory.problems()
    assert (problem.code, problem.where) == ("K8N114", inventory.host_line("ansible_ssh_host"))


@pytest.mark.parametrize(
    ("network", "kubernetes", "severities"),
    [
        ("10.16.0.0/12", (1, 33), []),
        ("11.0.0.0/11", (1, 33), [ERROR]),
        ("11.0.0.0/11", (1, 34), []),
        ("11.0.0.0/11", None, [WARNING]),
        ("fd00:254::/108", (1, 33), []),
        ("fd00:254::/107", (1, 33), [ERROR]),
        ("fd00:254::/64", (1, 34), []),
        ("fd00:254::/63", (1, 34), [ERROR]),
    ],
)
def test_the_width_that_a_version_counts(
    network: str, kubernetes: tuple[int, int] | None, severities: list[Severity], tmp_path: Path
) -> None:
    smallest = "kube_control_plane: {hosts: {a: {ansible_host: 192.0.2.1}}}"
    written = write(tmp_path, f"topology: {{service_cidr: '{network}'}}\n", smallest)
    topology = Topology.model_validate({"service_cidr": network})
    cluster = Cluster("x", topology, (), load(written.path), "a")
    assert [problem.severity for problem in service_range_is_too_wide(cluster, kubernetes)] == severities
