"""The service range in force: everybody gives addresses of the same range, and every Service has one of it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from k8snet_provision import assets
from k8snet_provision.drift import Code, Finding, Severity
from k8snet_provision.resources.probe import Seen
from tests.deploys.test_kube_apiserver import UNIT, a_unit, host
from tests.deploys.worlds import a_service, a_service_cidr, a_state, a_world

watched = assets.deploy_module("watched.service_range")

RANGE = "10.96.0.0/16"
OWN = a_service("default", "kubernetes", "10.96.0.1")


def control_plane(apiserver: str = RANGE, manager: str | None = RANGE) -> dict[str, Seen]:
    """Running flags of both programs."""
    programs = {"kube-apiserver": apiserver, "kube-controller-manager": manager}
    units = {
        name.replace("-", "_"): a_unit(name, UNIT, f"{name} --service-cluster-ip-range={given}" if given else name)
        for name, given in programs.items()
    }
    return host(**units)


def found(tmp_path: Path, answers: dict[str, Seen] | None = None, **state: Any) -> list[Finding]:
    given = {"services": [OWN], "service_cidrs": [a_service_cidr("kubernetes", RANGE)], **state}
    world = a_world(tmp_path, f"service_cidr: {RANGE}", {"cp1": answers or control_plane()}, a_state(**given))
    return list(watched.in_cluster(world))


def test_all_agree(tmp_path: Path) -> None:
    assert found(tmp_path) == []
    assert found(tmp_path, control_plane(manager=None)) == []
    assert found(tmp_path, services=[OWN, a_service("a", "headless", "None")]) == []


def test_a_running_flag_that_is_not_the_service_cidr(tmp_path: Path) -> None:
    for answers in (control_plane("10.97.0.0/16"), control_plane(manager="10.97.0.0/16")):
        (finding,) = found(tmp_path, answers)
        assert (finding.code, finding.severity, finding.target) == (Code.SERVICE_CIDR, Severity.CRITICAL, "cluster")
        assert "on cp1: 10.97.0.0/16\n" in str(finding.before)
        assert "ServiceCIDR kubernetes: 10.96.0.0/16\n" in str(finding.before)


def test_an_older_kubernetes_has_flags_only(tmp_path: Path) -> None:
    assert found(tmp_path, service_cidrs=None) == []
    assert [f.code for f in found(tmp_path, control_plane(manager="10.97.0.0/16"), service_cidrs=None)] == ["K8N724"]
    out = a_service("shop", "cart", "10.97.0.7")
    assert [f.code for f in found(tmp_path, services=[OWN, out], service_cidrs=None)] == ["K8N725"]


def test_a_service_cidr_that_takes_no_new_services(tmp_path: Path) -> None:
    going = a_service_cidr("extra", "10.99.0.0/24", deletionTimestamp="2026-11-29T02:00:00Z")
    refused = a_service_cidr("other", "10.98.0.0/24")
    refused["status"]["conditions"] = [{"type": "Ready", "status": "False", "reason": "Terminating"}]
    cidrs = [a_service_cidr("kubernetes", RANGE), going, refused]
    assert [(f.what, f.severity) for f in found(tmp_path, service_cidrs=cidrs)] == [
        ("ServiceCIDR extra", Severity.WARNING),
        ("ServiceCIDR other", Severity.WARNING),
    ]


def test_a_service_out_of_every_range(tmp_path: Path) -> None:
    both = a_service("shop", "both", "10.96.3.3", "fd00::7")
    services = [OWN, a_service("shop", "cart", "10.98.0.7"), both, a_service("shop", "fine", "10.96.3.4")]
    findings = found(tmp_path, services=services)
    assert [(f.code, f.what, f.before) for f in findings] == [
        (Code.OUT_OF_RANGE, "Service shop/cart", "10.98.0.7\n"),
        (Code.OUT_OF_RANGE, "Service shop/both", "fd00::7\n"),
    ]
    cidrs = [a_service_cidr("kubernetes", RANGE), a_service_cidr("more", "10.98.0.0/24", "fd00::/108")]
    assert found(tmp_path, services=services, service_cidrs=cidrs) == []


def test_a_control_plane_that_was_not_reached_does_not_hide_what_the_others_say(tmp_path: Path) -> None:
    out = a_service("shop", "cart", "10.98.0.7")
    state = a_state(services=[OWN, out], service_cidrs=[a_service_cidr("kubernetes", RANGE)])
    world = a_world(tmp_path, f"service_cidr: {RANGE}", {}, state)
    assert [finding.code for finding in watched.in_cluster(world)] == [Code.OUT_OF_RANGE]
