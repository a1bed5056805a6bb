"""Reading the variable: hints, agreement between hosts, everything at once, hostile values."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from k8snet_provision.problems import Problem, Severity
from k8snet_provision.topology import lint, rows

from .written import HOSTS, TOPOLOGY, Written, replaced, write


def only(problems: list[Problem]) -> Problem:
    (problem,) = problems
    return problem


def with_line(path: Path, line: str) -> Written:
    """A sound inventory and one more line under `topology`."""
    return write(path, TOPOLOGY + f"  {line}\n")


@pytest.mark.parametrize(
    ("written", "hint"),
    [
        ("service_cdir: x", "did you mean service_cidr?"),
        ("serviceCIDR: x", "did you mean service_cidr?"),
        ("kube-proxy: {}", "did you mean kube_proxy?"),
        ("upstreams: []", "the key belongs to dns"),
        ("metal_lb: {}", "did you mean metallb?"),
        ("ingreses: []", "did you mean ingresses?"),
        ("virtual_router_id: 1", "the key belongs to edge"),
        ("services: [{name: a, headless: true, selector: {a: b}, selektor: {}}]", "did you mean selector?"),
        ("ingresses: [{name: a, rules: [{paths: [{service: s, zzz: 1}]}]}]", "known here: service, port, path, type"),
        ("zzz: 1", "known here: service_cidr, pod_cidr"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest_known_one(written: str, hint: str, tmp_path: Path) -> None:
    inventory = with_line(tmp_path, written)
    problem = only(inventory.problems())
    assert (problem.code, problem.where) == ("K8N101", inventory.line(written))
    assert problem.hint.startswith(hint)


def test_an_unknown_key_deep_in_the_tree_has_its_own_line(tmp_path: Path) -> None:
    inventory = write(tmp_path, replaced(TOPOLOGY, ("{masquerade_all: false}", "\n      masquerade: false")))
    problem = only(inventory.problems())
    assert problem.where == inventory.line("masquerade:")
    assert problem.text == "unknown key kube_proxy.nftables.masquerade"
    assert problem.hint == "did you mean masquerade_all?"


@pytest.mark.parametrize(
    ("old", "new", "code", "expected"),
    [
        ("service_cidr: 10.254.0.0/16", "service_cidr: 10.254.0.1/16", "K8N104", "10.254.0.0/16"),
        ("service_cidr: 10.254.0.0/16", "service_cidr: [10.254.0.0]", "K8N102", "a network such as"),
        ("service_cidr: 10.254.0.0/16", "service_cidr: []", "K8N102", "at least 1 item"),
        ("service_cidr: 10.254.0.0/16", "service_cidr: 168034304", "K8N102", "a list"),
        ("service_cidr: 10.254.0.0/16", "service_cidr: {a: b}", "K8N102", "a list"),
        ("30000-32767", "32767-30000", "K8N102", "1 <= first <= last"),
        ("30000-32767", "30000-65536", "K8N102", "65535"),
        ("cluster_domain: cluster.local", "cluster_domain: Cluster_local", "K8N143", "RFC 1123"),
        ("cluster_domain: cluster.local", "cluster_domain: -a.b", "K8N143", "RFC 1123"),
        ("corp.example:", "corp..example:", "K8N143", "RFC 1123"),
        ("[registry.corp.example]", "[registry_1.corp]", "K8N143", "RFC 1123"),
        ("kind: systemd", "kind: static", "K8N102", "'systemd' or 'kubeadm'"),
        ("mode: nftables", "mode: nftable", "K8N102", "'nftables'"),
        ("address: 10.254.0.10", "address: 10.254.0.010", "K8N102", "an address such as"),
        ("address: 10.254.0.10", "address: fe80::1%eth0", "K8N102", "an address such as"),
        ("[192.0.2.53]", "[resolv.conf]", "K8N102", "an address, optionally"),
        ("[192.0.2.53]", "['192.0.2.53:70000']", "K8N102", "an address, optionally"),
        ("[192.0.2.53]", "[/etc/../shadow]", "K8N102", "without '..'"),
        ("replicas: 2", "replicas: 0", "K8N102", "greater than or equal to 1"),
        ("replicas: 2", "replicas: two", "K8N102", "integer"),
        ("192.0.2.200-192.0.2.220", "192.0.2.220-192.0.2.200", "K8N102", "ascending"),
        ('"registry.corp:5000/k8s"', '"registry.corp/k8s:latest"', "K8N102", "registry.corp:5000/k8s"),
        ("192.0.2.80: [", "host.example: [", "K8N102", "an address such as"),
    ],
)
def test_a_wrong_value_is_one_problem_on_its_line(old: str, new: str, code: str, expected: str, tmp_path: Path) -> None:
    inventory = write(tmp_path, replaced(TOPOLOGY, (old, new)))
    problem = only(inventory.problems())
    assert problem.code == code
    assert expected in problem.expected
    assert problem.where == inventory.line(new)


def test_the_nearest_choice_is_offered(tmp_path: Path) -> None:
    inventory = write(tmp_path, replaced(TOPOLOGY, ("mode: nftables", "mode: nft-tables")))
    assert only(inventory.problems()).hint == "did you mean nftables?"


def test_all_problems_are_reported_at_once_from_top_to_bottom(tmp_path: Path) -> None:
    inventory = write(
        tmp_path,
        replaced(
            TOPOLOGY,
            ("10.254.0.0/16", "10.254.0.1/16"),
            ("10.244.0.0/16", "192.0.2.0/28"),
            ("30000-32767", "1-2"),
            ("mode: nftables", "mod: nftables"),
            ("[192.0.2.53]", "[192.0.2.53, 127.0.0.53, x]"),
            ("replicas: 2", "replicas: many"),
            ("[192.0.2.100]", "[192.0.2.13]"),
        ),
        replaced(HOSTS, ("192.0.2.22", "192.0.2.21")),
    )
    found = [(problem.code, problem.where) for problem in inventory.problems()]
    expected = [
        ("K8N104", inventory.line("service_cidr")),
        *[("K8N123", inventory.line("pod_cidr"))] * 4,
        ("K8N130", inventory.line("node_port_range")),
        ("K8N102", inventory.line("kube_proxy")),
        ("K8N101", inventory.line("mod: nftables")),
        *[("K8N102", inventory.line("upstreams")), ("K8N144", inventory.line("upstreams"))],
        ("K8N102", inventory.line("replicas")),
        ("K8N123", inventory.line("vips")),
        ("K8N114", inventory.host_line("w2: {ansible")),
    ]
    assert found == expected


def test_a_missing_range_is_one_problem(tmp_path: Path) -> None:
    inventory = write(tmp_path, replaced(TOPOLOGY, ("  service_cidr: 10.254.0.0/16\n", "")))
    problem = only(inventory.problems())
    assert (problem.text, problem.where) == ("service_cidr is missing", inventory.line("topology:"))


@pytest.mark.parametrize("value", ["", " 5", " []", " text", " {{ x }}"])
def test_a_topology_that_is_no_mapping_is_one_problem(value: str, tmp_path: Path) -> None:
    cluster, problems = write(tmp_path, f"x: [1]\ntopology: {value.strip() and repr(value.strip())}\n").read()
    assert cluster is None
    assert only(list(problems)).code == "K8N100"


def test_no_topology_at_all_says_where_to_write_it(tmp_path: Path) -> None:
    problem = only(write(tmp_path, "other: 1\n").problems())
    assert (problem.code, str(problem.where)) == ("K8N100", str(tmp_path))
    assert "group_vars/all" in problem.expected


def test_no_host_of_the_cluster_is_one_problem(tmp_path: Path) -> None:
    problem = only(write(tmp_path, hosts="web: {hosts: {a: {}}}\n").problems())
    assert problem.code == "K8N110"


def test_a_host_with_another_topology_is_reported_with_both_lines(tmp_path: Path) -> None:
    inventory = write(tmp_path)
    (tmp_path / "host_vars").mkdir()
    other = replaced(TOPOLOGY, ("    upstreams: [192.0.2.53]", "    upstreams: [192.0.2.99]"))
    (tmp_path / "host_vars/w2.yml").write_text("# one line more\n" + other)
    problem = only(inventory.problems())
    assert (problem.code, problem.text) == ("K8N103", "dns.upstreams differs between hosts")
    assert problem.where == inventory.line("upstreams", "host_vars/w2.yml")
    assert str(inventory.line("upstreams")) in problem.expected
    assert "w2" in problem.found


def test_hosts_without_the_topology_are_named(tmp_path: Path) -> None:
    inventory = write(tmp_path, "{}\n")
    (tmp_path / "group_vars/kube_control_plane.yml").write_text(TOPOLOGY)
    problem = only(inventory.problems())
    assert (problem.code, problem.text) == ("K8N103", "the variable topology is missing on w1, w2, lb1")


def test_a_template_that_differs_per_host_is_reported(tmp_path: Path) -> None:
    inventory = with_line(tmp_path, "").path / "group_vars/all/topology.yml"
    text = TOPOLOGY.replace("cluster_domain: cluster.local", "cluster_domain: '{{ inventory_hostname }}.example'")
    inventory.write_text(text)
    problems = Written(tmp_path).problems()
    assert {problem.code for problem in problems} == {"K8N103"}
    assert problems[0].found == "cp2.example on cp2"


def test_templates_are_rendered_before_anything_is_checked(tmp_path: Path) -> None:
    text = replaced(TOPOLOGY, ("service_cidr: 10.254.0.0/16", "service_cidr: '{{ range_ }}'"))
    assert write(tmp_path, text + "range_: 10.254.0.0/16\n").problems() == []


def test_lint_reports_an_unreadable_inventory_and_an_unsound_one_alike(tmp_path: Path) -> None:
    assert [problem.code for problem in lint(tmp_path / "missing")] == ["K8N001"]
    inventory = write(tmp_path / "x", replaced(TOPOLOGY, ("replicas: 2", "replicas: 0")))
    (row,) = rows(lint(inventory.path))
    assert row == {
        "file": str(inventory.path / "group_vars/all/topology.yml"),
        "line": inventory.line("replicas").line,
        "code": "K8N102",
        "severity": "error",
        "message": "dns.replicas has a wrong value",
        "found": "0",
        "expected": "greater than or equal to 1",
        "hint": "",
    }


def test_lint_reports_connections_too_and_a_host_without_address_once(tmp_path: Path) -> None:
    hosts = replaced(HOSTS, ("w2: {ansible_host: 192.0.2.22}", "w2: {ansible_host: ''}"))
    inventory = write(tmp_path, hosts=hosts)
    problem = only(lint(inventory.path))
    assert (problem.code, problem.where) == ("K8N020", inventory.host_line("w2: {ansible"))


def test_an_ssh_key_that_is_on_another_machine_is_a_warning(tmp_path: Path) -> None:
    written = write(tmp_path, TOPOLOGY + "ansible_ssh_private_key_file: /nonexistent/key\n")
    problem = only(lint(written.path))
    assert (problem.severity, problem.where) == (Severity.WARNING, written.line("/nonexistent/key"))


LAUGHS = "a: &a [x]\n" + "".join(
    f"{name}: &{name} [{', '.join([f'*{other}'] * 9)}]\n" for other, name in zip("abcdefgh", "bcdefghi", strict=True)
)
HUGE = "0x" + "f" * 20_000
HOSTILE = {
    "control characters in a value": '  cluster_domain: "a\\e[2J\\x00b"',
    "control characters in a key": '  "\\e[31mx": 1',
    "control characters in text": '  dns: {extra_server_blocks: "a {\\x07}"}',
    "lone surrogate": '  dns: {extra_server_blocks: "a {\\ud800}"}',
    "shell": "  control_plane: {units: {kubelet: 'x; reboot'}}",
    "newline in a path": '  control_plane: {kubectl: "/bin/x\\nreboot"}',
    "enormous number": f"  dns: {{replicas: {HUGE}}}",
    "enormous number as a key": f"  ? {HUGE}\n  : 1",
    "enormous number in a list": f"  vips: [{HUGE}]",
    "infinite": "  dns: {replicas: .inf}",
    "not a number": "  dns: {ttl: .nan}",
    "long text": f"  cluster_domain: {'a' * 1_000_000}",
    "long key": f"  ? {'service_cidr' * 9_000}\n  : 1",
    "deep": f"  dns: {'[' * 60}{']' * 60}",
    "deep where text belongs": f"  cluster_domain: {'{a: ' * 60}1{'}' * 60}",
    "a number as a key": "  5: 1",
    "null as a key": "  null: 1",
    "a list where a mapping belongs": "  images: [1, 2]",
    "a date": "  cluster_domain: 2024-01-31",
    "slow pattern": f"  images: {{tags: {{'{'a-' * 250}!': v1}}}}",
}


@pytest.mark.parametrize("line", HOSTILE.values(), ids=HOSTILE.keys())
def test_a_hostile_value_is_a_short_printable_problem(line: str, tmp_path: Path) -> None:
    started = time.process_time()
    problems = lint(write(tmp_path, f"topology:\n  service_cidr: 10.254.0.0/16\n{line}\n").path)
    assert problems
    assert all(str(problem).isprintable() and len(str(problem)) < 1_000 for problem in problems)
    assert time.process_time() - started < 2


@pytest.mark.parametrize(
    "text",
    [
        "topology: &a {service_cidr: 10.254.0.0/16, dns: *a}\n",
        LAUGHS + "topology: {service_cidr: *i}\n",
        "topology: '{{ topology }}'\n",
        "topology: " + "{a: " * 5_000 + "}" * 5_000 + "\n",
    ],
    ids=["an anchor inside itself", "a billion laughs", "a template of itself", "5,000 levels"],
)  # fmt: skip
def test_a_value_without_end_is_a_problem(text: str, tmp_path: Path) -> None:
    started = time.process_time()
    problems = lint(write(tmp_path, text).path)
    assert problems
    assert all(len(str(problem)) < 1_000 for problem in problems)
    assert time.process_time() - started < 10


def test_very_many_unknown_keys_are_counted_rather_than_listed(tmp_path: Path) -> None:
    text = TOPOLOGY + "".join(f"  key_{number}: 1\n" for number in range(100_000))
    problems = lint(write(tmp_path, text).path)
    assert len(problems) == 101
    assert any("99900 more" in problem.text for problem in problems)


def test_very_many_pools_are_compared_within_seconds(tmp_path: Path) -> None:
    pools = ", ".join(f"11.{n >> 14}.{n >> 6 & 255}.{(n & 63) << 2}/31" for n in range(50_000))
    started = time.process_time()
    assert write(tmp_path, TOPOLOGY.replace("192.0.2.200-192.0.2.220", pools)).problems() == []
    assert time.process_time() - started < 20


def test_a_thousand_hosts_are_read_within_a_second_or_two(tmp_path: Path) -> None:
    many = "".join(f"    n{n}: {{ansible_host: 198.18.{n // 250}.{n % 250}}}\n" for n in range(1000))
    inventory = write(tmp_path, hosts=replaced(HOSTS, ("    w1: {ansible_host", many + "    w1: {ansible_host")))
    started = time.process_time()
    assert inventory.problems() == []
    assert time.process_time() - started < 4
