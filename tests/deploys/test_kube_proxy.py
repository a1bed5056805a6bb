"""kube-proxy's changes and refusals, from what hosts and cluster tell."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from deploys import kube_proxy
from k8snet_provision.capability import Phase
from k8snet_provision.change import Action, Change, Kind
from k8snet_provision.plan import Plan
from k8snet_provision.planning import make
from k8snet_provision.resources.probe import Seen, State
from k8snet_provision.seen import World
from tests.deploys.kube_proxy_world import (
    ABSENT,
    CONFIG_PATH,
    NOTHING_RUNS,
    Scene,
    answers,
    pod_process,
    pods,
    present,
    unit_process,
    units,
)
from tests.kube_proxy.configuration import CONFIG, configz

NODES = ("kube_node", "kube_control_plane")
SITE = (
    Phase(kube_proxy.KERNEL, NODES),
    Phase(kube_proxy.CONFIG),
    Phase(kube_proxy.PODS, NODES, "25%"),
    Phase(kube_proxy.CAPABILITY, NODES, "25%"),
)


def plan(world: World) -> Plan:
    """Of all hosts, as `diff` makes it."""
    return make(SITE, world, [member.name for member in world.cluster.members], 0.0)


def summary(world: World) -> list[tuple[str, str, str]]:
    return [(change.phase, change.target, change.name) for change in plan(world).changes]


def codes(world: World) -> dict[str, str]:
    return {problem.code: str(problem.where) for problem in plan(world).problems}


def test_a_daemonset_changes_once_and_its_pods_node_by_node(tmp_path: Path) -> None:
    assert summary(pods().world(tmp_path)) == [
        ("kube-proxy config", "cluster", "ConfigMap kube-system/kube-proxy"),
        ("kube-proxy pods", "w1", "kube-proxy"),
        ("kube-proxy pods", "w2", "kube-proxy"),
    ]


def test_the_config_map_keeps_everything_but_the_mode(tmp_path: Path) -> None:
    (config, *_) = plan(pods().world(tmp_path)).changes
    sent = json.loads(config.details["manifest"])
    assert sent["data"] == {
        "config.conf": CONFIG.replace("mode: iptables", "mode: nftables"),
        "kubeconfig.conf": "apiVersion: v1\n",
    }
    assert config.details["how"] == "replace"
    assert config.details["before_version"] == "resourceVersion=41"


def test_a_pod_that_still_works_by_the_old_configuration_is_replaced_though_the_config_map_is_right(
    tmp_path: Path,
) -> None:
    right = CONFIG.replace("mode: iptables", "mode: nftables")
    new = answers(pod_process(configz(mode="nftables"), "nftables"), **{"kube-proxy__rules": present("")})
    scene = Scene({"w1": new, "w2": answers(pod_process())}, config=right)
    (change,) = plan(scene.world(tmp_path)).changes
    assert (change.target, change.because) == ("w2", "mode: iptables -> nftables")
    assert {"node": "w2", "pod": "kube-proxy-w2", "selector": "k8s-app=kube-proxy"}.items() <= change.details.items()


def test_nothing_differs_where_all_is_in_force(tmp_path: Path) -> None:
    assert plan(pods().world(tmp_path, "mode: iptables")).changes == ()
    assert plan(units().world(tmp_path, "mode: iptables")).changes == ()


def test_without_kube_proxy_in_the_topology_nothing_is_looked_at(tmp_path: Path) -> None:
    from tests.topology.written import write

    cluster = write(tmp_path, "topology:\n  service_cidr: 10.254.0.0/16\n").cluster()
    assert list(kube_proxy.CAPABILITY.probes(cluster, "w1")) == []
    assert list(kube_proxy.CAPABILITY.reads(cluster)) == []


def test_a_crashing_pod_is_replaced(tmp_path: Path) -> None:
    scene = Scene({"w1": answers(NOTHING_RUNS)}, pods=("w1",))
    found = plan(scene.world(tmp_path, "mode: iptables")).changes
    assert [(change.phase, change.because) for change in found] == [("kube-proxy pods", "it does not run")]


def test_a_host_without_the_daemonsets_pod_is_left_alone(tmp_path: Path) -> None:
    scene = Scene({"cp1": answers(NOTHING_RUNS), "w1": answers(pod_process())}, pods=("w1",))
    assert {target for _, target, _ in summary(scene.world(tmp_path))} == {"cluster", "w1"}


def test_a_node_is_found_by_its_address_where_its_name_is_another(tmp_path: Path) -> None:
    named = {
        "metadata": {"name": "ip-192-0-2-11"},
        "status": {"addresses": [{"type": "InternalIP", "address": "192.0.2.11"}]},
    }
    scene = Scene({"cp1": answers(pod_process())}, pods=("ip-192-0-2-11",), extra_nodes=(named,))
    (_, change) = plan(scene.world(tmp_path)).changes
    assert change.details["node"] == "ip-192-0-2-11"


def test_a_units_file_changes_and_the_unit_restarts(tmp_path: Path) -> None:
    changes = plan(units().world(tmp_path)).changes
    assert [(c.phase, c.target, c.name, c.restarts) for c in changes] == [
        ("kube-proxy", "w1", CONFIG_PATH, ("kube-proxy",)),
        ("kube-proxy", "w2", CONFIG_PATH, ("kube-proxy",)),
    ]
    assert changes[0].after == CONFIG.replace("mode: iptables", "mode: nftables")
    assert "/usr/bin/kube-proxy --config=" in changes[0].details["validate"]


def test_a_unit_that_was_not_restarted_since_its_file_changed_is(tmp_path: Path) -> None:
    right = CONFIG.replace("mode: iptables", "mode: nftables")
    (change, _) = plan(units(unit_process(right)).world(tmp_path)).changes
    assert (change.kind, change.name, change.because) == (Kind.RESTART, "kube-proxy", "mode: iptables -> nftables")


def test_rules_of_another_mode_are_a_difference_though_the_mode_is_right(tmp_path: Path) -> None:
    seen = {"kube-proxy__rules": present("chain KUBE-SERVICES 4\ntable ip kube-proxy\nlink kube-ipvs0\n")}
    for scene, unit in ((pods(**seen), ""), (units(**seen), "kube-proxy")):
        (change, _) = plan(scene.world(tmp_path, "mode: iptables")).changes
        assert (change.kind, change.action, change.before) == (
            Kind.RULES,
            Action.DELETE,
            "table ip kube-proxy\nlink kube-ipvs0\n",
        )
        assert change.details["unit"] == unit


@pytest.mark.parametrize(
    ("live", "wanted", "rules", "removed"),
    [
        ("iptables", "nftables", "chain KUBE-SERVICES 4\nchain KUBE-SVC-* 4\n", None),
        ("nftables", "iptables", "table ip kube-proxy\ntable ip6 kube-proxy\n", None),
        ("iptables", "ipvs", "chain KUBE-SERVICES 4\nchain KUBE-SVC-* 4\n", "chain KUBE-SVC-* 4\n"),
        ("ipvs", "iptables", "link kube-ipvs0\nset KUBE-CLUSTER-IP\n", "link kube-ipvs0\nset KUBE-CLUSTER-IP\n"),
    ],
)
def test_a_switch_removes_what_the_new_mode_does_not_clear_itself(
    live: str, wanted: str, rules: str, removed: str | None, tmp_path: Path
) -> None:
    scene = pods(pod_process(configz(mode=live), live), **{"kube-proxy__rules": present(rules)})
    found = [c for c in plan(scene.world(tmp_path, f"mode: {wanted}")).changes if c.target == "w1"]
    assert [c.before for c in found if c.kind is Kind.RULES] == ([removed] if removed else [])
    assert found[0].phase == "kube-proxy pods"


def test_forwarding_is_switched_on_before_anything_else(tmp_path: Path) -> None:
    scene = pods(sysctl__net_DOT_ipv4_DOT_ip_forward=present("0\n"))
    first = plan(scene.world(tmp_path)).changes[0]
    assert (first.phase, first.kind, first.name, first.before, first.after) == (
        "kube-proxy kernel",
        Kind.SYSCTL,
        "net.ipv4.ip_forward",
        "0",
        "1",
    )


def test_modules_of_ipvs_are_loaded_and_kept(tmp_path: Path) -> None:
    scene = pods(module__ip_vs=present("available\n"), module__ip_vs_lc=present("available\n"))
    world = scene.world(tmp_path, "mode: ipvs, ipvs: {scheduler: lc}")
    found = [c.name for c in plan(world).changes if c.kind is Kind.MODULE and c.target == "w1"]
    assert found == ["ip_vs", "ip_vs_lc"]


@pytest.mark.parametrize(
    ("mode", "seen", "code"),
    [
        ("ipvs", {"module__ip_vs": ABSENT}, "K8N253"),
        ("ipvs", {"module__dummy": ABSENT}, "K8N253"),
        ("nftables", {"sysctl__kernel_DOT_osrelease": present("5.10.0-32-amd64\n")}, "K8N254"),
        ("nftables", {"kube-proxy__nft": ABSENT, "module__nf_tables": ABSENT}, "K8N254"),
        ("nftables", {"kube-proxy__nft": present("Operation not supported\n")}, "K8N254"),
    ],
)
def test_a_kernel_that_cannot_run_the_mode_is_refused_host_by_host(
    mode: str, seen: dict[str, Seen], code: str, tmp_path: Path
) -> None:
    scene = Scene({"w1": answers(pod_process()), "w2": answers(pod_process(), **seen)})
    problems = plan(scene.world(tmp_path, f"mode: {mode}")).problems
    assert [(problem.code, problem.where) for problem in problems] == [(code, "w2")]
    assert all(problem.found and problem.expected and problem.hint for problem in problems)


@pytest.mark.parametrize(("mode", "program"), [("ipvs", "ipset"), ("nftables", "nft"), ("iptables", "iptables")])
def test_a_unit_needs_the_hosts_programs_and_a_pod_does_not(mode: str, program: str, tmp_path: Path) -> None:
    seen = {f"program__{program}": ABSENT}
    assert codes(units(**seen).world(tmp_path, f"mode: {mode}")) == {"K8N255": "w2"}
    assert codes(pods(**seen).world(tmp_path, f"mode: {mode}")) == {}


def test_both_ways_at_once_or_none_are_refused_unless_one_is_named(tmp_path: Path) -> None:
    both = Scene({"w1": answers(unit_process()), "w2": answers(pod_process())})
    none = Scene({"w1": answers(NOTHING_RUNS), "w2": answers(NOTHING_RUNS)}, daemonset=False, pods=())
    for scene, code in ((both, "K8N251"), (none, "K8N250")):
        world = scene.world(tmp_path)
        assert codes(world) == {code: "cluster"}
        assert plan(world).changes == ()
    assert codes(both.world(tmp_path, "mode: nftables, install: daemonset")) == {}


def test_a_node_without_the_unit_is_named(tmp_path: Path) -> None:
    scene = Scene({"w1": answers(unit_process()), "w2": answers(NOTHING_RUNS)}, daemonset=False)
    assert codes(scene.world(tmp_path)) == {"K8N250": "w2"}


def test_a_unit_with_flags_only_is_refused(tmp_path: Path) -> None:
    flags = present("unit=active\nenabled=enabled\npid=7\npids=7\nprogram=/usr/bin/kube-proxy\nconfig=\nmode=iptables\n"
                    f"configz={configz()}\n\n")  # fmt: skip
    assert codes(units(flags).world(tmp_path)) == {"K8N252": "w2"}


def test_a_configuration_that_cannot_be_edited_is_refused_with_its_place(tmp_path: Path) -> None:
    broken = CONFIG.replace("mode: iptables", "mode: [iptables")
    for scene, where in (
        (Scene({"w1": answers(pod_process())}, config=broken), "ConfigMap kube-system/kube-proxy"),
        (units(unit_process(broken)), "w2"),
    ):
        world = scene.world(tmp_path)
        assert codes(world) == {"K8N257": where}
        assert [c.kind for c in plan(world).changes if c.kind in (Kind.FILE, Kind.OBJECT)] == []


def test_keepaliveds_virtual_servers_are_never_flushed(tmp_path: Path) -> None:
    lvs = {"kube-proxy__lvs": present("/etc/keepalived/keepalived.conf\n")}
    left = {**lvs, "kube-proxy__rules": present("link kube-ipvs0\n")}
    assert codes(pods(**lvs).world(tmp_path, "mode: nftables")) == {"K8N256": "w2"}
    assert codes(pods(**left).world(tmp_path, "mode: iptables")) == {"K8N256": "w2"}
    assert codes(pods(**lvs).world(tmp_path, "mode: iptables")) == {}


def test_a_kube_proxy_that_does_not_answer_is_unknown_and_not_in_sync(tmp_path: Path) -> None:
    silent = present("pid=9\npids=9\nprogram=/p\nconfig=/c\nwhy=no answer from http://127.0.0.1:10249/proxyMode\n\n")
    made = plan(pods(silent).world(tmp_path, "mode: iptables"))
    assert {item.target for item in made.incomplete} == {"w1", "w2"}
    assert "no answer from" in made.incomplete[0].why


def test_rules_that_could_not_be_read_are_unknown(tmp_path: Path) -> None:
    made = plan(pods(**{"kube-proxy__rules": Seen(State.UNKNOWN, why="no nft")}).world(tmp_path, "mode: iptables"))
    assert [(item.target, item.why) for item in made.incomplete] == [("w1", "no nft"), ("w2", "no nft")]


def test_the_gate_asks_for_the_mode_that_was_just_written(tmp_path: Path) -> None:
    """Also when a change is put back: then the old mode is the one to wait for."""
    world = units().world(tmp_path)
    (change, *_) = plan(world).changes
    assert "= nftables ]" in script(world, change)
    assert "= iptables ]" in script(world, change.inverted())


def script(world: World, change: Change) -> str:
    return kube_proxy.CAPABILITY.gates[0].script(world, change.target, [change]) or ""
