"""Every rule about ingress, MetalLB, the edge and the catalogue: what breaks it, and the line it is blamed on."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_provision.topology.rules_controller import static_band
from k8snet_provision.topology.rules_ingress import amount
from k8snet_provision.topology.values import PortRange

from .cases_catalogue import CASES as CATALOGUE
from .cases_ways_in import CASES, LOAD_BALANCER, MAIL, NO_EDGE_HOSTS, PATTERN, POOLS, WARNING, Case
from .ways_in import ways_in


@pytest.mark.parametrize("case", [*CASES, *CATALOGUE], ids=lambda case: case.code)
def test_breaks_exactly_one_rule_and_names_its_line(case: Case, tmp_path: Path) -> None:
    written = ways_in(tmp_path, *case.topology, hosts=case.hosts)
    (problem,) = written.problems()
    assert (problem.code, problem.severity) == (case.code, case.severity)
    if case.line:
        assert problem.where == written.line(case.line)
    if case.host_line:
        assert problem.where == written.host_line(case.host_line)
    assert case.says in str(problem)


def test_the_sound_inventory_has_no_problem(tmp_path: Path) -> None:
    cluster = ways_in(tmp_path).cluster()
    assert cluster.topology.ingress is not None


def problems(path: Path, *changes: tuple[str, str], hosts: tuple[tuple[str, str], ...] = ()) -> list[tuple[str, str]]:
    found = ways_in(path, *changes, hosts=hosts).problems()
    return [(problem.code, str(problem)) for problem in found]


def test_the_edge_without_hosts_is_one_problem_of_each_section_that_needs_them(tmp_path: Path) -> None:
    found = ways_in(tmp_path, hosts=(NO_EDGE_HOSTS,)).problems()
    assert [problem.code for problem in found] == ["K8N160", "K8N180"]


def test_without_metallb_everything_that_wants_an_address_is_warned_about(tmp_path: Path) -> None:
    written = ways_in(tmp_path, LOAD_BALANCER)
    text = (tmp_path / "group_vars/all/topology.yml").read_text()
    begin, end = text.index("  metallb:"), text.index("  ingress:")
    (tmp_path / "group_vars/all/topology.yml").write_text(text[:begin] + text[end:])
    found = [(problem.code, problem.severity, problem.where) for problem in written.problems()]
    lines = [written.line("pattern:"), written.line("type: LoadBalancer")]
    assert found == [("K8N161", WARNING, lines[0]), ("K8N198", WARNING, lines[1])]


def test_a_pool_of_one_address_is_not_enough_for_two_services(tmp_path: Path) -> None:
    pool = ("[192.0.2.200-192.0.2.220]", "[192.0.2.200/32]")
    ((code, text),) = problems(tmp_path, LOAD_BALANCER, pool, (f"      {MAIL}\n", ""))
    assert code == "K8N171"
    assert "1 for 2: ingress.load_balancer, Service default/mail" in text


def test_services_that_share_an_address_need_no_more(tmp_path: Path) -> None:
    pool = ("[192.0.2.200-192.0.2.220]", "[192.0.2.200/32]")
    shared = (f"      {MAIL}\n", '      annotations: {metallb.io/allow-shared-ip: "a"}\n')
    assert problems(tmp_path, LOAD_BALANCER, pool, shared) == []


def test_addresses_that_are_not_given_by_themselves_do_not_count(tmp_path: Path) -> None:
    ((code, text),) = problems(tmp_path, (POOLS, f"{POOLS}\n        auto_assign: false"), (f"      {MAIL}\n", ""))
    assert (code, "0 for 1: Service default/mail" in text) == ("K8N171", True)


def test_strict_arp_is_asked_for_in_ipvs_mode_only(tmp_path: Path) -> None:
    proxy = "    mode: nftables\n    nftables: {masquerade_all: false}\n"
    found = problems(tmp_path / "off", (proxy, "    mode: ipvs\n"))
    assert {code for code, _ in found} == {"K8N150", "K8N175"}
    found = problems(tmp_path / "on", (proxy, "    mode: ipvs\n    ipvs: {strict_arp: true}\n"))
    assert [code for code, _ in found] == ["K8N150"]


def test_a_pattern_written_twice_is_an_error_although_yaml_takes_the_last(tmp_path: Path) -> None:
    written = ways_in(tmp_path, (PATTERN, "pattern: load_balancer\n    pattern: node_port # again"))
    (problem,) = written.problems()
    assert (problem.code, problem.where) == ("K8N160", written.line("# again"))


@pytest.mark.parametrize("pattern", ["[load_balancer, node_port]", "load_balancer,node_port", "{load_balancer: {}}"])
def test_two_patterns_at_once_are_one_problem(pattern: str, tmp_path: Path) -> None:
    written = ways_in(tmp_path, (PATTERN, f"pattern: {pattern}"))
    problem = written.problems()[0]
    assert (problem.text, problem.where) == ("ingress.pattern is not one pattern", written.line("pattern:"))
    assert "one pattern at a time" in problem.hint


INGRESS = """\
    - name: {name}
      namespace: {namespace}
      annotations: {annotations}
      class_name: {class_name}
      rules: [{{host: {host}, paths: [{{path: {path}, type: {type}, service: s}}]}}]
"""
SHOPS = {"namespace": "other", "annotations": "{}", "class_name": "nginx", "type": "Prefix", "name": "b"}


@pytest.mark.parametrize(
    ("second", "collides"),
    [
        ({"host": "shop.example.com", "path": "/api"}, True),
        ({"host": "shop.example.com", "path": "/api/"}, True),
        ({"host": "shop.example.com", "path": "/api", "type": "Exact"}, True),
        ({"host": "shop.example.com", "path": "/api", "type": "ImplementationSpecific"}, True),
        ({"host": "'*.example.com'", "path": "/"}, True),
        ({"host": "shop.example.com", "path": "/apis"}, False),
        ({"host": "api.example.com", "path": "/"}, False),
        ({"host": "shop.example.com", "path": "/api", "class_name": "another"}, False),
        ({"host": "shop.example.com", "path": "/api",
          "annotations": "{nginx.ingress.kubernetes.io/canary: 'true'}"}, False),
    ],
)  # fmt: skip
def test_who_claims_what(second: dict[str, str], collides: bool, tmp_path: Path) -> None:
    written = ways_in(tmp_path)
    with (tmp_path / "group_vars/all/topology.yml").open("a") as file:
        file.write(INGRESS.format(**{**SHOPS, **second}))
    found = written.problems()
    assert [problem.code for problem in found] == (["K8N191"] if collides else [])
    if collides:
        assert found[0].where == written.line("service: s}")
        assert "default/shop has" in found[0].text


@pytest.mark.parametrize(
    ("ports", "band"),
    # KEP-3682's examples: 2768 ports have a band of 86, 16 at least, 128 at most.
    [("30000-32767", "30000-30085"), ("30000-30009", "30000-30009"), ("20000-20099", "20000-20015"),
     ("20000-40000", "20000-20127")],
)  # fmt: skip
def test_the_static_band(ports: str, band: str) -> None:
    first, last = map(int, ports.split("-"))
    assert str(static_band(PortRange(first, last))) == band


@pytest.mark.parametrize(
    ("small", "large"), [("100m", "1"), ("1000Ki", "1Mi"), ("1M", "1Mi"), ("0.5", "501m"), ("999k", "1M"), ("1G", "1T")]
)
def test_quantities_are_compared_by_their_amount(small: str, large: str) -> None:
    assert amount(small) < amount(large)
