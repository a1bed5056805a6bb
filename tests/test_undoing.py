"""What undoes changes of the common kinds, and the service range that gates go by then."""

from __future__ import annotations

import json
from ipaddress import ip_network
from pathlib import Path

import pytest

from k8snet_provision import undoing
from k8snet_provision.capability import Capability
from k8snet_provision.change import CLUSTER, Action, Change, Kind
from k8snet_provision.engine.carry_out import host_changes
from k8snet_provision.resources import file, kube_object, module, sysctl
from k8snet_provision.resources.file import File
from k8snet_provision.resources.probe import HostSeen
from tests.deploys.worlds import ABSENT, a_service, a_service_cidr, a_world, present, sent

KEPT = "net.ipv4.conf.all.forwarding = 1\n"


def a_file(before: str | None, after: str | None) -> Change:
    sides = [None if text is None else File("/etc/a.conf", text.encode(), "600") for text in (before, after)]
    (made,) = file.change("edge", "lb1", *sides, restarts=("haproxy",), because="it was asked for")
    return made


def undone(*changes: Change) -> list[Change]:
    return undoing.undone(Capability("edge", host_changes), changes)


def test_files_go_back_the_last_one_first_and_starts_are_made_once_more() -> None:
    start = Change("edge", "lb1", Kind.RESTART, "keepalived", "", "", because="older than its file")
    update, made = a_file("old\n", "new\n"), a_file(None, "new\n")
    first, second, again = undone(start, update, made)
    assert (first.action, second.after, again) == (Action.DELETE, "old\n", start)
    assert (second.details["after_mode"], second.restarts, second.because) == ("600", ("haproxy",), "")


@pytest.mark.parametrize("kind", [Kind.PACKAGE, Kind.RULES, Kind.TRAFFIC, Kind.CERTIFICATE])
def test_what_cannot_be_undone_by_itself_is_left(kind: Kind) -> None:
    assert undone(Change("edge", "lb1", kind, "haproxy", None, "installed")) == []


@pytest.mark.parametrize("kept", ["", "net.ipv4.ip_forward = 0\n", "net.ipv4.ip_forward=0\n"])
def test_a_kernel_parameter_gets_back_the_line_that_kept_it(kept: str) -> None:
    answers = {"sysctl:net.ipv4.ip_forward": present("0\n")}
    answers |= {f"file:{sysctl.KEPT_IN}": present(sent(sysctl.KEPT_IN, KEPT + kept)) if kept else ABSENT}
    seen = HostSeen("w1", answers)
    (change,) = sysctl.change("kernel", seen, [("net.ipv4.ip_forward", "1")])
    (back,) = undone(change)
    assert (change.details["after_kept"], back.after) == ("net.ipv4.ip_forward = 1", "0")
    assert back.details["after_kept"] == kept.rstrip("\n")


def test_a_module_that_was_loaded_is_unloaded() -> None:
    seen = HostSeen("w1", {"module:ip_vs": present("available\n"), f"file:{module.KEPT_IN}": ABSENT})
    (back,) = undone(*module.change("kernel", seen, ("ip_vs",)))
    assert (back.action, back.details["after_kept"]) == (Action.DELETE, "")


def test_an_object_that_nobody_read_cannot_be_made_again() -> None:
    ref = kube_object.ObjectRef("v1", "Secret", "key", "web")
    details = {"how": "delete", "manifest": json.dumps(ref.skeleton())}
    assert undone(Change("p", CLUSTER, Kind.OBJECT, str(ref), "a key\n", None, details, secret=True)) == []


def test_a_capability_brings_its_own_way_back() -> None:
    capability = Capability("edge", host_changes, undone=lambda changes: changes[:1])
    assert undoing.undone(capability, [a_file("a\n", "b\n"), a_file("c\n", "d\n")]) == [a_file("a\n", "b\n")]


def test_gates_go_by_the_range_that_is_undone_to(tmp_path: Path) -> None:
    world = a_world(tmp_path, "service_cidr: 10.254.0.0/16\ndns: {address: 10.254.0.53}")
    cidr = {"apiVersion": "networking.k8s.io/v1", "kind": "ServiceCIDR", **a_service_cidr("kubernetes", "10.96.0.0/16")}
    dns = a_service("kube-system", "kube-dns", "10.96.0.10")
    changes = [change for item in (cidr, dns) for change in kube_object.change("service-range", None, item)]
    found = undoing.world_after(world, changes).topology
    assert (found.service_cidr, str(found.dns_address)) == ((ip_network("10.96.0.0/16"),), "10.96.0.10")
    assert undoing.world_after(world, [a_file("a\n", "b\n")]).topology == world.topology
