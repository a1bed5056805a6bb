"""kube-proxy that the topology leaves out: its mode and its rules agree with its own configuration."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_provision import assets
from k8snet_provision.drift import Code, Finding
from k8snet_provision.resources.probe import Unknown
from tests.deploys.kube_proxy_world import (
    CONFIG,
    NOTHING_RUNS,
    Scene,
    configz,
    pod_process,
    pods,
    present,
    unit_process,
)
from tests.deploys.kube_proxy_world import units as as_units

watched = assets.deploy_module("watched.kube_proxy")


def found(tmp_path: Path, scene: Scene, topology: str = "") -> list[Finding]:
    return list(watched.on_host(scene.world(tmp_path, topology), "w1"))


def test_the_mode_of_its_configuration_is_in_sync(tmp_path: Path) -> None:
    assert found(tmp_path, pods()) == []
    assert found(tmp_path, as_units()) == []


def test_a_mode_that_was_written_and_never_started(tmp_path: Path) -> None:
    written = CONFIG.replace("mode: iptables", "mode: nftables")
    assert written != CONFIG
    scenes = {
        "rollout restart daemonset": Scene(pods().hosts, config=written),
        "systemctl restart": as_units(unit_process(written)),
    }
    for mend, scene in scenes.items():
        (finding,) = found(tmp_path, scene)
        assert (finding.code, finding.before, finding.after) == (Code.PROXY_MODE, "iptables\n", "nftables\n")
        assert mend in finding.mend


def test_rules_of_another_mode_than_the_live_one(tmp_path: Path) -> None:
    left = present("chain KUBE-SERVICES 4\nchain KUBE-SVC-* 4\ntable ip kube-proxy\n")
    (finding,) = found(tmp_path, pods(**{"kube-proxy:rules": left}))
    assert (finding.code, finding.before) == (Code.RULES_LEFT, "table ip kube-proxy\n")


def test_one_that_does_not_run_or_keeps_its_mode_to_itself_is_not_wanted(tmp_path: Path) -> None:
    silent = present("pid=812\npids=812\nprogram=/kube-proxy\nconfig=/c\nwhy=no answer\n\n")
    assert found(tmp_path, pods(NOTHING_RUNS)) == []
    assert found(tmp_path, pods(silent)) == []


def test_the_section_of_the_topology_leaves_it_to_the_plan(tmp_path: Path) -> None:
    assert found(tmp_path, pods(pod_process(configz(), mode="nftables")), "mode: iptables") == []
    cluster = pods().world(tmp_path, "mode: iptables").cluster
    assert list(watched.probes(cluster, "w1")) == list(watched.reads(cluster)) == []


def test_a_configuration_that_is_garbage_is_unknown(tmp_path: Path) -> None:
    with pytest.raises(Unknown, match="kube-proxy's configuration"):
        found(tmp_path, Scene(pods().hosts, config="{\x00: ["))
