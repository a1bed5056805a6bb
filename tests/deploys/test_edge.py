"""The edge: what changes on its hosts and in which order, and what keeps it from being changed at all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from k8snet_provision import assets, planning
from k8snet_provision.capability import Phase
from k8snet_provision.change import Action, Change, Kind
from k8snet_provision.edge import haproxy, keepalived
from k8snet_provision.edge.forwards import ways_of
from k8snet_provision.resources.probe import Seen
from k8snet_provision.seen import World
from tests.deploys.edge_world import MACS, NODE_PORT, TOPOLOGY, VIP, a_unit, a_world, network, settled
from tests.deploys.worlds import present, sent, unknown

edge = assets.deploy_module("edge")
refusals = assets.deploy_module("edge_refusals")
gates = assets.deploy_module("edge_gates")

LOAD_BALANCER = f"{TOPOLOGY}ingress: {{pattern: load_balancer}}\n"
BEHIND_EDGE = f"{TOPOLOGY}ingress: {{pattern: host_network, host_network: {{behind_edge: true}}}}\n"


def changes(world: World, host: str = "lb1") -> dict[str, Change]:
    return {f"{change.kind}:{change.name}": change for change in edge.host_changes(world, host)}


def files(world: World, host: str = "lb1") -> tuple[str, str]:
    """What the host's two files shall be."""
    found = changes(world, host)
    return str(found[f"file:{haproxy.PATH}"].after), str(found[f"file:{keepalived.PATH}"].after)


def at_work(tmp_path: Path, topology: str = NODE_PORT) -> dict[str, dict[str, Seen]]:
    """Both hosts as the topology wants them; lb2 has the VIP."""
    fresh = a_world(tmp_path, topology)
    macs = {host: f"macs={MACS[host]}" for host in MACS}
    found = {host: settled(*files(fresh, host)) for host in macs}
    for host, its in found.items():
        its["state"] = replace(its["state"], data=its["state"].data.replace(b"macs=", macs[host].encode()))
    found["lb2"]["network"] = network("192.0.2.32/24", f"{VIP}/32")
    found["lb2"]["neighbours"] = present(f"{VIP} here\n")
    found["lb1"]["neighbours"] = present(f"{VIP} {MACS['lb2']}\n")
    return found


def codes(world: World) -> list[str]:
    return [problem.code for problem in refusals.refusals(world)]


def test_a_fresh_host_gets_files_that_are_checked_and_units_that_run(tmp_path: Path) -> None:
    found = changes(a_world(tmp_path))
    assert list(found) == [
        "sysctl:net.ipv4.ip_nonlocal_bind",
        "file:/etc/haproxy/haproxy.cfg",
        "unit:haproxy",
        "file:/etc/keepalived/keepalived.conf",
        "unit:keepalived",
    ]
    for program in ("haproxy", "keepalived"):
        written = next(change for change in found.values() if change.reloads == (program,))
        assert written.details["validate"].startswith(f"said=$({program} ")


def test_nothing_differs_on_hosts_at_work(tmp_path: Path) -> None:
    world = a_world(tmp_path, seen=at_work(tmp_path))
    assert (changes(world, "lb1"), changes(world, "lb2"), codes(world)) == ({}, {}, [])
    assert list(edge.retired_changes(world, "lb1")) == []


def test_without_the_section_nothing_is_asked_and_nothing_changes(tmp_path: Path) -> None:
    world = a_world(tmp_path, "service_cidr: 10.254.0.0/16\npod_cidr: 10.244.0.0/16")
    assert (changes(world), codes(world), list(edge.probes(world.cluster, "lb1"))) == ({}, [], [])


def test_missing_programs_are_installed_by_what_the_host_has(tmp_path: Path) -> None:
    missing = {"haproxy_package": present("dnf\n"), "haproxy_unit": Seen(present("").state.ABSENT)}
    found = changes(a_world(tmp_path, seen={"lb1": missing}))
    package = found["package:haproxy"]
    assert (package.action, package.after) == (Action.CREATE, "installed by dnf")
    assert package.details == {"manager": "dnf", "unit": "haproxy", "config": haproxy.PATH}
    assert found["unit:haproxy"].before is None


def test_a_configuration_that_was_changed_by_hand_is_shown(tmp_path: Path) -> None:
    seen = at_work(tmp_path)
    seen["lb1"]["haproxy"] = replace(seen["lb1"]["haproxy"], data=seen["lb1"]["haproxy"].data.replace(b"8000", b"9000"))
    (change,) = changes(a_world(tmp_path, seen=seen)).values()
    assert (change.name, change.kind, change.reloads) == (haproxy.PATH, Kind.FILE, ("haproxy",))


def test_a_haproxy_that_runs_by_something_else_than_its_file_is_reloaded(tmp_path: Path) -> None:
    seen = at_work(tmp_path)
    seen["lb1"]["state"] = present("running=000000000000\nloaded=50\nuntouched=50\n")
    (change,) = changes(a_world(tmp_path, seen=seen)).values()
    assert (change.kind, change.name) == (Kind.RELOAD, "haproxy")


@pytest.mark.parametrize(("loaded", "reloads"), [(50, 0), (51, 0), (52, 1)])
def test_a_keepalived_older_than_its_file_is_reloaded(tmp_path: Path, loaded: int, reloads: int) -> None:
    seen = at_work(tmp_path)
    running = seen["lb1"]["state"].data.replace(b"loaded=50", f"loaded={loaded}".encode())
    seen["lb1"]["state"] = replace(seen["lb1"]["state"], data=running)
    assert len(changes(a_world(tmp_path, seen=seen))) == reloads


def test_a_unit_that_was_stopped_is_started(tmp_path: Path) -> None:
    seen = at_work(tmp_path)
    seen["lb1"]["keepalived_unit"] = a_unit("failed")
    assert list(changes(a_world(tmp_path, seen=seen))) == ["unit:keepalived"]


def test_the_host_with_the_vip_comes_last(tmp_path: Path) -> None:
    seen = at_work(tmp_path)
    world = a_world(tmp_path, seen=seen)
    assert edge.order(world, ("lb1", "lb2")) == ["lb1", "lb2"]
    seen["lb1"]["network"], seen["lb2"]["network"] = network("192.0.2.31/24", f"{VIP}/32"), network("192.0.2.32/24")
    assert edge.order(a_world(tmp_path, seen=seen), ("lb1", "lb2")) == ["lb2", "lb1"]


def test_the_plan_has_the_hosts_in_that_order(tmp_path: Path) -> None:
    seen = at_work(tmp_path)
    seen["lb1"]["network"], seen["lb2"]["network"] = network("192.0.2.31/24", f"{VIP}/32"), network("192.0.2.32/24")
    world = a_world(tmp_path, BEHIND_EDGE, seen)
    phase = Phase(edge.CAPABILITY, hosts=("load_balancer",), at_once=1)
    assert planning.make([phase], world, ("lb1", "lb2"), 0.0).targets("edge") == ("lb2", "lb1")


def test_a_host_that_is_off_keeps_the_other_from_nothing(tmp_path: Path) -> None:
    whole, part = a_world(tmp_path), a_world(tmp_path, unreached=("lb2",))
    assert files(part) == files(whole)
    assert codes(part) == []


def test_what_a_host_cannot_tell_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(edge.observed.Unknown, match="permission"):
        changes(a_world(tmp_path, seen={"lb1": {"haproxy": unknown("permission denied")}}))


def test_an_old_way_in_behind_the_edge_stays_until_it_is_retired(tmp_path: Path) -> None:
    seen = at_work(tmp_path)
    world = a_world(tmp_path, LOAD_BALANCER, seen, live=("node_port", "load_balancer"))
    assert changes(world) == {}
    (change,) = edge.retired_changes(world, "lb1")
    assert (ways_of(change.before), ways_of(change.after)) == (("node_port",), ())
    assert change.reloads == ("haproxy",)


def test_once_retired_it_is_not_brought_back(tmp_path: Path) -> None:
    seen = at_work(tmp_path)
    before = a_world(tmp_path, LOAD_BALANCER, seen, live=("node_port", "load_balancer"))
    (change,) = edge.retired_changes(before, "lb1")
    seen["lb1"] = settled(change.after, files(a_world(tmp_path))[1], state=present(""))
    seen["lb1"]["state"] = present(f"running={haproxy.mark(change.after)}\n")
    after = a_world(tmp_path, LOAD_BALANCER, seen, live=("node_port", "load_balancer"))
    assert (changes(after), list(edge.retired_changes(after, "lb1"))) == ({}, [])
    assert len(list(edge.retired_changes(after, "lb2"))) == 1


def test_a_way_in_that_is_gone_from_the_cluster_goes_at_once(tmp_path: Path) -> None:
    world = a_world(tmp_path, LOAD_BALANCER, at_work(tmp_path), live=("load_balancer",))
    assert ways_of(str(changes(world)[f"file:{haproxy.PATH}"].after)) == ()
    assert list(edge.retired_changes(world, "lb1")) == []


def test_between_two_ways_behind_the_edge_it_turns_at_once(tmp_path: Path) -> None:
    world = a_world(tmp_path, BEHIND_EDGE, at_work(tmp_path), live=("node_port",))
    change = changes(world)[f"file:{haproxy.PATH}"]
    assert (ways_of(str(change.before)), ways_of(str(change.after))) == (("node_port",), ("host_network",))
    assert list(edge.retired_changes(world, "lb1")) == []


def test_the_section_ingress_must_not_vanish_under_the_edge(tmp_path: Path) -> None:
    assert codes(a_world(tmp_path, TOPOLOGY, at_work(tmp_path))) == ["K8N292"]
    assert codes(a_world(tmp_path, TOPOLOGY)) == []


def test_a_vip_that_a_stranger_has_is_refused_with_its_mac(tmp_path: Path) -> None:
    stranger = present(f"{VIP} 52:54:00:AA:bb:cc\n")
    (problem,) = refusals.refusals(a_world(tmp_path, seen={"lb1": {"neighbours": stranger}}))
    assert (problem.code, problem.found) == ("K8N290", "MAC 52:54:00:aa:bb:cc answers for it")


def test_a_stranger_is_refused_also_beside_a_host_that_is_off(tmp_path: Path) -> None:
    stranger = present(f"{VIP} 52:54:00:aa:bb:cc\n")
    assert codes(a_world(tmp_path, seen={"lb1": {"neighbours": stranger}}, unreached=("lb2",))) == ["K8N290"]


def test_a_vip_at_a_host_of_ours_that_cannot_be_asked_is_none_of_a_stranger(tmp_path: Path) -> None:
    seen = at_work(tmp_path)
    assert codes(a_world(tmp_path, seen=seen, unreached=("lb2",))) == []


@pytest.mark.parametrize(("line", "found"), [
    ('0.0.0.0:80 0.0.0.0:* users:(("apache2",pid=77,fd=4))', ["apache2 (pid 77)"]),
    ('127.0.0.1:8404 0.0.0.0:* users:(("python3",pid=8,fd=4))', ["python3 (pid 8)"]),
    ('192.0.2.31:443 0.0.0.0:* users:(("nginx",pid=8,fd=4))', []),
    ('0.0.0.0:80 0.0.0.0:* users:(("haproxy",pid=8,fd=4))', []),
])  # fmt: skip
def test_a_program_on_a_port_of_the_edge_is_named(tmp_path: Path, line: str, found: list[str]) -> None:
    world = a_world(tmp_path, seen={"lb1": {"listeners": present(f"LISTEN 0 9 {line}\n")}})
    problems = list(refusals.refusals(world))
    assert [problem.found for problem in problems] == found
    assert {problem.code for problem in problems} <= {"K8N291"}


REFUSED = {
    "K8N188": {"network": network("198.51.100.31/24")},
    "K8N293": {"state": present("running=\nconnect_any=off\n")},
    "K8N294": {"keepalived_package": present("none\n")},
    "K8N295": {"network": network(f"{VIP}/24")},
}


@pytest.mark.parametrize("code", REFUSED)
def test_a_host_that_cannot_do_it_is_refused(tmp_path: Path, code: str) -> None:
    world = a_world(tmp_path, seen={"lb1": REFUSED[code]})
    assert codes(world) == [code]


def test_the_vip_is_on_one_host_of_those_that_answer(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    assert gates.one_has_it(world, {"lb1": "here", "lb2": "elsewhere"}) == ""
    assert gates.one_has_it(world, {"lb1": "here", "lb2": "here"}) == "the VIP is on lb1 and lb2"
    assert gates.one_has_it(world, {"lb1": "elsewhere", "lb2": "elsewhere"}) == "the VIP is on no host"
    assert gates.one_has_it(world, {"lb1": "elsewhere"}) == ""


def test_what_was_not_there_before_has_to_pass_no_gate_when_it_is_put_back(tmp_path: Path) -> None:
    world = a_world(tmp_path)
    back = [change.inverted() for change in reversed(list(edge.host_changes(world, "lb1")))]
    assert [gate.script(world, "lb1", back) for gate in gates.ALL] == [None, None, None]


def test_a_configuration_that_is_put_back_is_what_the_gates_look_for(tmp_path: Path) -> None:
    seen = at_work(tmp_path)
    world = a_world(tmp_path, BEHIND_EDGE, seen)
    back = [change.inverted() for change in edge.host_changes(world, "lb1")]
    old = haproxy.mark(files(a_world(tmp_path))[0])
    assert f"mark={old}; backends='node_port-http node_port-https'" in gates.serves(world, "lb1", back)


def test_a_configuration_of_somebody_else_that_is_put_back_only_has_to_run(tmp_path: Path) -> None:
    before = {"haproxy": present(sent(haproxy.PATH, "global\n")), "haproxy_unit": a_unit()}
    world = a_world(tmp_path, seen={"lb1": before | {"keepalived_unit": a_unit()}})
    back = [change.inverted() for change in edge.host_changes(world, "lb1")]
    assert gates.serves(world, "lb1", back).startswith("mark=''; backends=''\n")
    assert gates.answers(world, "cp1", back) is None
