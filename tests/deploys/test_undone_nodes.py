"""Changes of the control plane and the nodes turned round: by which steps, and what their gates wait for."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

from k8snet_provision import assets
from k8snet_provision.change import Change, Kind
from k8snet_provision.planning import make
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import ObjectRef, owned_by
from k8snet_provision.seen import World
from k8snet_provision.undoing import undone
from tests.deploys import kube_proxy_world, test_kube_apiserver, test_kubelet, test_service_range
from tests.deploys.kube_proxy_world import pods, present, units
from tests.deploys.test_kube_apiserver_certificate import answer, issue, pki
from tests.deploys.test_kube_apiserver_certificate import changes as certificate_changes
from tests.deploys.test_kube_apiserver_certificate import world as certificate_world
from tests.deploys.worlds import a_state, a_world, sent

__all__ = ["pki"]

site = {phase.name: phase for phase in assets.deploy_module("site").SITE}
kube_proxy = assets.deploy_module("kube_proxy")
apiserver_certificate = assets.deploy_module("apiserver_certificate")
service_range_steps = assets.deploy_module("service_range_steps")

PROXY_SITE = tuple(site[name] for name in ("kube-proxy config", "kube-proxy pods", "kube-proxy"))
IPTABLES_RULES = present("chain KUBE-SERVICES 4\nchain KUBE-SVC-* 4\n")


def proxy_changes(world: World, phase: str, host: str) -> list[Change]:
    return list(make(PROXY_SITE, world, [member.name for member in world.cluster.members], 0.0).of(phase, host))


def gates(phase: str, world: World, host: str, changes: list[Change]) -> list[str]:
    return [gate.script(world, host, changes) or "" for gate in site[phase].capability.gates]


def test_pods_start_anew_by_the_old_config_map_whatever_they_are_called_by_then(tmp_path: Path) -> None:
    world = pods().world(tmp_path, "mode: nftables")
    made = proxy_changes(world, "kube-proxy pods", "w1")
    (back,) = undone(site["kube-proxy pods"].capability, made)
    assert (back.kind, back.details["node"], back.details["pod"]) == (Kind.RESTART, "w1", "")
    assert "= nftables ]" in gates("kube-proxy pods", world, "w1", made)[0]
    assert "= iptables ]" in gates("kube-proxy pods", world, "w1", [back])[0]


def test_a_pod_whose_name_is_not_known_is_looked_up_on_its_node(tmp_path: Path) -> None:
    kubectl = """K() { case "$*" in
  *field-selector\\ spec.nodeName=w1*) printf 'kube-proxy-now' ;;
  *delete*) echo "$@" >>%s ;;
  *get*) echo "w1 kube-proxy-next True" ;; esac; }
"""
    steps = assets.deploy_module("kube_proxy_steps")
    script = kubectl % (tmp_path / "deleted") + steps.REPLACE.format(selector="k8s-app=kube-proxy", seconds=5)
    subprocess.run(["sh", "-c", script], input=b"w1 - nftables\n", check=True, timeout=30)
    assert (tmp_path / "deleted").read_text().split()[-1] == "kube-proxy-now"


def test_a_pod_that_was_given_the_config_map_of_before_is_replaced_once_more(tmp_path: Path) -> None:
    """As by a kubelet that could not reach the API a moment ago. What a pod does not say is not held against it."""
    kubectl = """cd %s; K() { case "$*" in
  *delete*) echo "$*" >>deleted ;;
  *" logs "*kube-proxy-a1) echo 'I1130 server_linux.go:137] "Using iptables Proxier"' ;;
  *" logs "*kube-proxy-a2) echo 'I1130 server_linux.go:254] "Using nftables Proxier"' ;;
  *" logs "*) echo 'nothing of it' ;;
  *get*) echo "w1 kube-proxy-a$(($(wc -l <deleted) - 0)) True"; echo "w2 kube-proxy-b1 True" ;; esac; }
"""
    steps = assets.deploy_module("kube_proxy_steps")
    script = kubectl % tmp_path + steps.REPLACE.format(selector="k8s-app=kube-proxy", seconds=30)
    asked = b"w1 kube-proxy-a0 nftables\nw2 kube-proxy-b0 nftables\n"
    subprocess.run(["sh", "-c", script], input=asked, check=True, timeout=30)
    deleted = [line.split("--wait=false ")[1].split() for line in (tmp_path / "deleted").read_text().splitlines()]
    assert deleted == [["kube-proxy-a0", "kube-proxy-b0"], ["kube-proxy-a1"]]


def test_the_services_are_asked_for_at_the_address_that_the_api_had(tmp_path: Path) -> None:
    world = units().world(tmp_path, "mode: nftables")
    back = undone(site["kube-proxy"].capability, proxy_changes(world, "kube-proxy", "w1"))
    assert "tcp_answers 10.96.0.1 443" in gates("kube-proxy", world, "w1", back)[1]


@pytest.mark.parametrize("scene", [pods, units])
def test_rules_of_the_mode_that_is_left_are_removed_where_no_start_clears_them(scene: object, tmp_path: Path) -> None:
    world = scene(**{"kube-proxy__rules": IPTABLES_RULES}).world(tmp_path, "mode: ipvs")  # type: ignore[operator]
    made = proxy_changes(world, "kube-proxy", "w1")
    back = undone(site["kube-proxy"].capability, made)
    (rules,) = [change for change in back if change.kind is Kind.RULES]
    assert (rules.before, rules.because) == ("rules of mode ipvs\n", "no rules of mode iptables")
    assert "= iptables ]" in gates("kube-proxy", world, "w1", back)[0]
    assert "link kube-ipvs0" in gates("kube-proxy", world, "w1", back)[2]


def test_rules_that_an_earlier_mode_left_do_not_come_back(tmp_path: Path) -> None:
    scene = pods(**{"kube-proxy__rules": present("link kube-ipvs0\n")})
    made = proxy_changes(scene.world(tmp_path, "mode: iptables"), "kube-proxy", "w1")
    assert [change.kind for change in made] == [Kind.RULES]
    assert undone(site["kube-proxy"].capability, made) == []


def test_the_apiserver_is_seen_to_run_with_the_old_flags_and_without_those_that_were_added(tmp_path: Path) -> None:
    topology = "service_cidr: 10.254.0.0/16\nnode_port_range: 30000-31000"
    world = test_kube_apiserver.world(tmp_path, test_kube_apiserver.with_unit(), topology)
    back = undone(site["kube-apiserver"].capability, test_kube_apiserver.changes(world))
    assert [change.after for change in back] == [test_kube_apiserver.UNIT]
    flags = json.loads(back[0].details["after_flags"])
    assert flags == {"service-cluster-ip-range": "10.96.0.0/16", "service-node-port-range": None}
    script = gates("kube-apiserver", world, "cp1", back)[0]
    checked = script[script.index("as_wanted()") : script.index("carries kube-apiserver")]
    for argv, right in (
        ("--service-cluster-ip-range=10.96.0.0/16", True),
        ("--service-cluster-ip-range=10.254.0.0/16", False),
        ("--service-cluster-ip-range=10.96.0.0/16 --service-node-port-range=30000-31000", False),
        ("--service-cluster-ip-range=10.96.0.0/16 --service-node-port-range 30000-31000", False),
    ):
        words = f"kube-apiserver {argv} ".replace(" ", "\x1f")
        ran = subprocess.run(["sh", "-c", f"separator='\x1f'; argv='{words}'\n{checked}\nas_wanted"], check=False)
        assert (ran.returncode == 0) is right, argv


def test_a_process_that_was_older_than_its_files_is_only_started_once_more(tmp_path: Path) -> None:
    text = test_kube_apiserver.UNIT.replace("10.96.0.0/16", "10.254.0.0/16")
    world = test_kube_apiserver.world(tmp_path, test_kube_apiserver.with_unit(text))
    made = test_kube_apiserver.changes(world)
    assert [change.kind for change in made] == [Kind.RESTART]
    assert undone(site["kube-apiserver"].capability, made) == made


@pytest.fixture
def kept_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Certificates are kept here instead of where the program keeps them on hosts."""
    for name in ("ISSUE", "RESTORE"):
        text = getattr(apiserver_certificate, name).replace(apiserver_certificate.BACKUPS, str(tmp_path / "kept"))
        monkeypatch.setattr(apiserver_certificate, name, text)
    return tmp_path / "kept"


def restore(change: Change) -> subprocess.CompletedProcess[str]:
    script = apiserver_certificate.restore(change)
    return subprocess.run(["sh", "-c", script.text], capture_output=True, text=True, check=False, timeout=30)


def test_the_old_certificate_comes_back_byte_for_byte(tmp_path: Path, pki: Path, kept_in: Path) -> None:
    crt = pki / "apiserver.crt"
    before, mode = crt.read_bytes(), crt.stat().st_mode
    made = certificate_changes(certificate_world(tmp_path, answer(pki)))
    assert issue(made[0]).returncode == 0
    issued = crt.read_bytes()
    assert kept_in.stat().st_mode & 0o777 == 0o700
    (back,) = undone(site["kube-apiserver"].capability, made)
    for _ in range(2):  # a second time there is nothing to do
        done = restore(back)
        assert done.returncode == 0, done.stderr
        assert (crt.read_bytes(), crt.stat().st_mode) == (before, mode)
    assert {path.read_bytes() for path in kept_in.iterdir()} == {before, issued}
    assert len(list(pki.iterdir())) == 5


def test_a_certificate_that_was_not_kept_is_not_replaced(tmp_path: Path, pki: Path, kept_in: Path) -> None:
    made = certificate_changes(certificate_world(tmp_path, answer(pki)))
    assert issue(made[0]).returncode == 0
    issued = (pki / "apiserver.crt").read_bytes()
    for path in kept_in.iterdir():
        path.write_text("something else")
    (back,) = undone(site["kube-apiserver"].capability, made)
    assert "not to be had" in restore(back).stderr
    assert (pki / "apiserver.crt").read_bytes() == issued


def test_the_kubelets_port_is_that_of_the_file_that_comes_back(tmp_path: Path) -> None:
    config = test_kubelet.CONFIG.replace("10248", "10999")
    world = test_kubelet.world(tmp_path, test_kubelet.answer(config))
    back = undone(site["kubelet"].capability, test_kubelet.changes(world))
    now = a_world(tmp_path, test_kubelet.NEW, {"w1": {"kubelet": test_kubelet.answer()}}, a_state())
    assert [change.after for change in back] == [config]
    assert ":10999/healthz" in gates("kubelet", now, "w1", back)[0]


def moved(tmp_path: Path) -> tuple[World, list[Change]]:
    text = test_service_range.CLUSTER_CONFIGURATION
    config = test_service_range.config_map("kubeadm-config", "ClusterConfiguration", text)
    objects = [test_service_range.API, test_service_range.DNS, config]
    world = test_service_range.wanting(tmp_path, test_service_range.NEW, test_service_range.installed(objects=objects))
    return world, list(test_service_range.changes(world).values())


def test_the_range_goes_back_by_the_same_steps_in_the_same_order(tmp_path: Path) -> None:
    _, made = moved(tmp_path)
    back = undone(site["service-range"].capability, made)
    assert [(c.name, c.details["how"]) for c in back] == [(c.name, c.details["how"]) for c in made]
    assert [(c.before, c.after) for c in back] == [(c.after, c.before) for c in made]
    cidr, dns, api, _ = [json.loads(change.details["manifest"]) for change in back]
    assert cidr["spec"]["cidrs"] == [test_service_range.OLD]
    assert (dns["spec"]["clusterIP"], api["spec"]["clusterIP"]) == ("10.96.0.10", "10.96.0.1")
    again = undone(site["service-range"].capability, back)
    assert [change.after for change in again] == [change.after for change in made]


def test_the_old_range_is_what_its_gate_waits_for(tmp_path: Path) -> None:
    world, made = moved(tmp_path)
    (script,) = gates("service-range", world, "cp1", undone(site["service-range"].capability, made))
    assert "ready kubernetes 10.96.0.0/16" in script
    assert "--clusterip=10.96.255.254" in script
    assert '[ "$now" = 10.96.0.1 ]' in script and '[ "$now" = 10.96.0.10 ]' in script
    assert "10.254" not in script


def test_what_a_run_that_was_cut_short_had_lost_is_not_lost_again(tmp_path: Path) -> None:
    state = a_state(services=[], service_cidrs=[], objects=[test_service_range.DNS])
    made = list(
        test_service_range.changes(test_service_range.wanting(tmp_path, test_service_range.NEW, state)).values()
    )
    names = {change.name for change in undone(site["service-range"].capability, made)}
    assert names == {"Service kube-system/kube-dns"}


def test_names_are_asked_for_in_the_zone_and_at_the_address_that_come_back(tmp_path: Path) -> None:
    coredns = site["coredns"].capability
    text = ".:53 {\n    kubernetes old.example in-addr.arpa ip6.arpa {\n    }\n}\n"
    objects = [
        {**ObjectRef("v1", "ConfigMap", "coredns", "kube-system").skeleton(), "data": {"Corefile": text}},
        {**ObjectRef("v1", "Service", "kube-dns", "kube-system").skeleton(), "spec": {"clusterIP": "10.96.0.10"}},
    ]
    world = a_world(tmp_path, "service_cidr: 10.254.0.0/16\ndns: {}", state=a_state())
    back = [change for item in objects for change in kube_object.change("coredns", None, item)]
    script = coredns.gates[1].script(world, "w1", back) or ""
    assert "10.96.0.10" in script and "10.254.0.10" not in script
    assert r"\003old\007example" in script or "old.example" in script
    assert "cluster.local" not in script


def test_nothing_is_asked_of_a_coredns_that_was_not_there_before(tmp_path: Path) -> None:
    world = a_world(tmp_path, "service_cidr: 10.254.0.0/16\ndns: {}", state=a_state())
    made = owned_by("coredns", {**ObjectRef("apps/v1", "Deployment", "coredns", "kube-system").skeleton(), "spec": {}})
    back = undone(site["coredns"].capability, list(kube_object.change("coredns", None, made)))
    assert [gate.script(world, "w1", back) for gate in site["coredns"].capability.gates] == [None, None]


def test_add_ons_start_once_more(tmp_path: Path) -> None:
    details = {"kind": "deployment", "namespace": "kube-system", "name": "coredns"}
    start = Change("addon-pods", "cluster", Kind.RESTART, "Deployment kube-system/coredns", "a\n", "b\n", details)
    assert undone(site["addon-pods"].capability, [start]) == [start]


def test_a_kernel_that_was_made_ready_goes_back_to_what_it_was(tmp_path: Path) -> None:
    seen = {"sysctl:net.ipv4.ip_forward": present("0\n"), "module:ip_vs": present("available\n")}
    path = "/etc/modules-load.d/k8snet-provision.conf"
    scene = kube_proxy_world.pods(**seen, **{f"file:{path}": present(sent(path, "dummy\n").decode())})
    world = scene.world(tmp_path, "mode: ipvs")
    back = undone(site["kube-proxy kernel"].capability, list(kube_proxy.kernel_changes(world, "w1")))
    assert [(change.kind, change.name, change.after) for change in back] == [
        (Kind.MODULE, "ip_vs", None),
        (Kind.SYSCTL, "net.ipv4.ip_forward", "0"),
    ]
