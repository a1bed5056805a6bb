"""What is foretold of a plan, from which figures, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

import pytest
from pydantic import TypeAdapter

from k8snet_provision import assets, forecast
from k8snet_provision.capability import Capability, Phase
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.forecast import Forecast, measured
from k8snet_provision.plan import Plan
from k8snet_provision.rollout.batches import batches
from k8snet_provision.topology import Cluster
from tests.deploys.ingress_world import Scene
from tests.deploys.worlds import a_world

HOSTS = ("n1", "n2", "n3", "n4", "n5")


def nobody(*_: object) -> None:
    raise AssertionError("a forecast carries nothing out")


SITE = (
    Phase(Capability("names", nobody, felt="nothing", waits=lambda cluster: 7.0), (CLUSTER,)),
    Phase(Capability("kubelet", nobody), ("kube_node",), at_once=2),
)


@dataclass(frozen=True)
class Ran:
    """A run of the past."""

    timings: Mapping[tuple[str, str], float] = field(default_factory=dict)


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return a_world(tmp_path_factory.mktemp("cluster"), "service_cidr: 10.254.0.0/16").cluster


def a_plan(hosts: Sequence[str] = HOSTS, kind: str = "systemd") -> Plan:
    changes = [Change("names", CLUSTER, Kind.OBJECT, "ConfigMap a/b", "a\n", "b\n")]
    changes += [Change("kubelet", h, Kind.FILE, "/etc/a", "a\n", "b\n", restarts=("kubelet",)) for h in hosts]
    return Plan("lab", {"control plane": kind}, tuple(changes))


def told(cluster: Cluster, *past: Ran, canary: str = "", pause: float = 0.0) -> Forecast:
    found = forecast.of(a_plan(), SITE, cluster, past, partial(batches, canary=canary), pause)
    assert found is not None
    return found


def test_a_row_for_each_batch_in_the_order_of_the_roll_out(cluster: Cluster) -> None:
    rows = told(cluster).rows
    assert [(row.phase, row.targets) for row in rows] == [
        ("names", (CLUSTER,)),
        ("kubelet", ("n1", "n2")),
        ("kubelet", ("n3", "n4")),
        ("kubelet", ("n5",)),
    ]
    assert [(process.name, process.targets) for process in rows[1].processes] == [("kubelet", ("n1", "n2"))]
    assert (rows[0].felt, rows[0].processes) == ("nothing", ())


def test_a_canary_is_a_batch_of_its_own(cluster: Cluster) -> None:
    assert [row.targets for row in told(cluster, canary="n3").of("kubelet")] == [("n3",), ("n1", "n2"), ("n4", "n5")]


def test_pauses_between_the_batches_of_a_phase_count(cluster: Cluster) -> None:
    ran = Ran({("names", CLUSTER): 1.0, ("kubelet", "n1"): 2.0})
    found = told(cluster, ran, pause=30)
    assert (found.pauses, found.seconds) == (60.0, 67.0)


def test_without_a_run_here_the_labs_figure_is_said_to_be_the_labs(cluster: Cluster) -> None:
    row = told(cluster).of("kubelet")[0]
    assert (row.seconds, row.basis) == (measured.SECONDS["kubelet"], "lab's default")


def test_runs_here_count_by_their_median(cluster: Cluster) -> None:
    past = [Ran({("kubelet", "n1"): seconds, ("names", CLUSTER): 1.0}) for seconds in (4.0, 90.0, 6.25)]
    rows = told(cluster, *past, Ran()).rows
    assert (rows[1].seconds, rows[1].basis) == (6.2, "3 runs here")
    assert (rows[0].seconds, rows[0].basis) == (1.0, "3 runs here")


def test_one_run_of_many_hosts_is_one_run(cluster: Cluster) -> None:
    row = told(cluster, Ran({("kubelet", host): 5.0 for host in HOSTS})).rows[1]
    assert (row.seconds, row.basis) == (5.0, "1 run here")


def test_what_hosts_took_says_nothing_of_the_cluster(cluster: Cluster) -> None:
    rows = told(cluster, Ran({("kubelet", CLUSTER): 50.0})).rows
    assert rows[1].basis == "lab's default"


def test_what_the_operators_settings_wait_for_comes_on_top_of_the_labs_figure(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(measured.SECONDS, "names", 3.0)
    assert told(cluster).rows[0].seconds == 10.0
    assert told(cluster, Ran({("names", CLUSTER): 4.0})).rows[0].seconds == 4.0


def test_a_phase_that_nobody_has_measured_is_not_taken_for_nothing(cluster: Cluster) -> None:
    found = told(cluster)
    assert (found.rows[0].seconds, found.rows[0].basis, found.complete) == (None, "no figure yet", False)


def test_what_comes_before_the_first_batch_is_what_looking_took_and_the_rest(cluster: Cluster) -> None:
    """An etcd snapshot is another figure: runs that took none say nothing of those that do."""
    plan = replace(a_plan(), seconds=9.0)
    ran = Ran({("before the first batch", ""): 4.0})
    rows = [forecast.beginning(plan, [ran], keeps_etcd) for keeps_etcd in (False, True)]
    assert [(row.seconds, row.basis) for row in rows] == [
        (4.0, "1 run here"),
        (9.0 + measured.BEFORE + measured.SNAPSHOT, "lab's default"),
    ]
    assert told(cluster).after(rows[0]).batches == told(cluster).batches == 4


def test_a_phase_that_goes_back_takes_what_it_took_to_come(cluster: Cluster) -> None:
    site = (replace(SITE[1], capability=replace(SITE[1].capability, name="kubelet: taken away")),)
    changes = (Change("kubelet: taken away", "n1", Kind.FILE, "/etc/a", "b\n", None),)
    past = [Ran({("kubelet", "n1"): 3.0})]
    found = forecast.of(
        Plan("lab", {}, changes), site, cluster, past, batches, measured_as=lambda name: name.partition(": ")[0]
    )
    assert found and [(row.phase, row.seconds) for row in found.rows] == [("kubelet: taken away", 3.0)]


def test_static_pods_take_longer(cluster: Cluster) -> None:
    site = (Phase(Capability("kube-apiserver", nobody), ("kube_control_plane",), at_once=1),)
    change = Change("kube-apiserver", "cp1", Kind.FILE, "/etc/a", "a\n", "b\n")
    seconds = {}
    for kind in ("systemd", "kubeadm", "kubeadm and systemd"):
        found = forecast.of(Plan("lab", {"control plane": kind}, (change,)), site, cluster, [], batches)
        seconds[kind] = found.seconds if found else 0.0
    assert seconds["systemd"] < seconds["kubeadm"] == seconds["kubeadm and systemd"]


def test_a_plan_without_changes_has_no_forecast(cluster: Cluster) -> None:
    assert forecast.of(Plan("lab", {}), SITE, cluster, [], batches) is None


def test_a_forecast_read_from_json_is_the_same(cluster: Cluster) -> None:
    found = told(cluster, Ran({("kubelet", "n1"): 1 / 3}), pause=0.5)
    text = json.dumps(found.to_json())
    read = TypeAdapter(Forecast).validate_python(json.loads(text))
    assert (read, json.dumps(read.to_json())) == (found, text)


def test_every_phase_of_the_site_says_what_is_felt_and_was_measured() -> None:
    """But for the one that changes nothing."""
    site = [phase for phase in assets.deploy_module("site").SITE if phase.name != "hosts"]
    assert [phase.name for phase in site if not phase.capability.felt] == []
    assert set(measured.SECONDS) == {phase.name for phase in site}


def test_the_quiet_of_the_old_way_in_is_waited_for(tmp_path: Path, cluster: Cluster) -> None:
    traffic = assets.deploy_module("ingress_traffic").CAPABILITY
    scene = Scene("pattern: node_port\nswitch: {quiet: 300}")
    assert traffic.waits(scene.world(tmp_path).cluster) == 300.0
    assert traffic.waits(cluster) == 0.0


def test_a_batch_took_as_long_as_its_last_host(cluster: Cluster) -> None:
    past = Ran({("names", CLUSTER): 1.0, ("kubelet", "n1"): 2.0})
    timings = {("names", CLUSTER): 2.5, ("kubelet", "n1"): 3.0, ("kubelet", "n2"): 4.0, ("kubelet", "n3"): 9.0}
    found = forecast.compare(told(cluster, past), Ran(timings))
    assert [actual.seconds for actual in found.rows] == [2.5, 4.0, None, None]
    assert (found.foretold, found.seconds) == (3.0, 6.5)
    assert found.to_json()["rows"][1] == {
        "phase": "kubelet",
        "targets": ["n1", "n2"],
        "forecast_seconds": 2.0,
        "seconds": 4.0,
    }
