"""Which flags of a running program are not those of its files."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_provision import assets
from k8snet_provision.drift import Code, Finding, watch
from k8snet_provision.resources.probe import Seen, Unknown
from tests.deploys.test_kube_apiserver import MANIFEST, UNIT, a_unit, host, with_manifest, with_unit
from tests.deploys.worlds import ABSENT, a_world, present, sent

flags = assets.deploy_module("watched.flags")

OLD = "service_cidr: 10.96.0.0/16"
ARGV = "kube-apiserver --advertise-address=192.0.2.11 --service-cluster-ip-range=10.96.0.0/16 --secure-port=6443"
NO_UNITS = {"unit:kubelet": ABSENT, "unit:kube-proxy": ABSENT}


def found(tmp_path: Path, answers: dict[str, Seen], topology: str = OLD) -> list[Finding]:
    world = a_world(tmp_path, topology, {"cp1": NO_UNITS | answers})
    return [finding for watch in flags.WATCHES for finding in watch.on_host(world, "cp1")]


@pytest.mark.parametrize(
    "argv",
    [
        ARGV,
        ARGV.replace("--secure-port=6443", "--secure-port 6443"),
        ARGV.replace("--advertise-address", "--advertise_address"),
        "kube-apiserver --secure-port=6443 --service-cluster-ip-range=10.96.0.0/16 --advertise-address=192.0.2.11",
    ],
)
def test_a_process_that_runs_by_its_unit_is_in_sync_however_its_flags_are_written(tmp_path: Path, argv: str) -> None:
    assert found(tmp_path, with_unit(UNIT, argv)) == []


def test_a_flag_that_was_changed_added_or_taken_away_in_the_unit_is_told_with_both_values(tmp_path: Path) -> None:
    text = UNIT.replace("192.0.2.11", "192.0.2.12").replace("6443", "6443 --v=2")
    (finding,) = found(tmp_path, with_unit(text, f"{ARGV} --profiling"))
    assert (finding.code, finding.target, finding.what) == (Code.FLAGS, "cp1", "flags of kube-apiserver")
    assert finding.before == "--advertise-address=192.0.2.11\n--profiling=true\n"
    assert finding.after == "--advertise-address=192.0.2.12\n--v=2\n"
    assert finding.mend == "on cp1: systemctl restart kube-apiserver"


def test_a_flag_that_the_plan_looks_after_is_not_told_twice(tmp_path: Path) -> None:
    assert found(tmp_path, with_unit(UNIT, ARGV.replace("10.96", "10.254"))) == []


def test_values_of_a_flag_given_several_times_count_in_their_order(tmp_path: Path) -> None:
    text = UNIT.replace("6443", "6443 --service-account-issuer=a --service-account-issuer=b")
    assert found(tmp_path, with_unit(text, f"{ARGV} --service-account-issuer=a --service-account-issuer=b")) == []
    (finding,) = found(tmp_path, with_unit(text, f"{ARGV} --service-account-issuer=b --service-account-issuer=a"))
    assert finding.before == "--service-account-issuer=b\n--service-account-issuer=a\n"


def test_a_static_pod_that_the_kubelet_did_not_start_anew(tmp_path: Path) -> None:
    as_written = "kube-apiserver --advertise-address=192.0.2.11 --service-cluster-ip-range=10.96.0.0/16"
    assert found(tmp_path, with_manifest(as_written)) == []
    (finding,) = found(tmp_path, with_manifest(as_written.replace("192.0.2.11", "192.0.2.99")))
    assert (finding.before, finding.after) == ("--advertise-address=192.0.2.99\n", "--advertise-address=192.0.2.11\n")
    assert "journalctl -u kubelet" in finding.mend


def test_what_only_the_host_or_the_kubelet_can_fill_in_may_be_anything(tmp_path: Path) -> None:
    text = UNIT.replace("192.0.2.11", "%H.example")
    assert found(tmp_path, with_unit(text, ARGV.replace("192.0.2.11", "cp1.example"))) == []
    assert len(found(tmp_path, with_unit(text, ARGV.replace("192.0.2.11", "cp1.other")))) == 1
    path = "/etc/kubernetes/manifests/kube-apiserver.yaml"
    running = "kube-apiserver --advertise-address=192.0.2.11 --service-cluster-ip-range=10.96.0.0/16"
    pod = with_manifest(running) | {f"file:{path}": present(sent(path, MANIFEST.replace("192.0.2.11", "$(HOST_IP)")))}
    assert found(tmp_path, pod) == []


@pytest.mark.parametrize("program", ["kubelet", "kube-proxy"])
def test_units_of_every_node_are_looked_at(tmp_path: Path, program: str) -> None:
    text = (
        f"[Service]\nEnvironment=MORE=--root-dir=/var/lib/x\nExecStart=/usr/bin/{program} --config=/etc/x.yaml $MORE\n"
    )
    argv = f"/usr/bin/{program} --config=/etc/x.yaml"
    seen = with_unit(UNIT, ARGV) | {f"unit:{program}": a_unit(program, text, f"{argv} --root-dir=/var/lib/x")}
    assert found(tmp_path, seen) == []
    seen[f"unit:{program}"] = a_unit(program, text, argv)
    (finding,) = found(tmp_path, seen)
    assert (finding.what, finding.before, finding.after) == (f"flags of {program}", "", "--root-dir=/var/lib/x\n")


def test_what_does_not_run_is_no_matter_of_flags(tmp_path: Path) -> None:
    assert found(tmp_path, host(kube_apiserver=a_unit("kube-apiserver", UNIT, ""))) == []


def test_a_kubelet_whose_command_line_a_shell_makes_is_unknown(tmp_path: Path) -> None:
    shell = a_unit("kubelet", "[Service]\nExecStart=/bin/sh -c 'exec kubelet $OPTS'\n", "kubelet --v=1")
    with pytest.raises(Unknown, match=r"kubelet's flags.*made by sh"):
        found(tmp_path, with_unit(UNIT, ARGV) | {"unit:kubelet": shell})


def test_every_capability_of_a_finding_is_a_watch_s_own_name(tmp_path: Path) -> None:
    shown = {finding.capability for finding in found(tmp_path, with_unit(UNIT, f"{ARGV} --profiling"))}
    assert shown <= {watch.name for watch in flags.WATCHES}


def test_the_files_that_may_have_been_changed_are_known(tmp_path: Path) -> None:
    text = "[Service]\nExecStart=/usr/bin/kubelet --v=2\n"
    answers = NO_UNITS | with_unit(UNIT, f"{ARGV} --profiling") | {"unit:kubelet": a_unit("kubelet", text, "kubelet")}
    world = a_world(tmp_path, OLD, {"cp1": answers})
    told, _ = watch.ask(flags.WATCHES, world, ["cp1"], whole=True)
    assert {one.what: paths for one, paths in watch.written_in(flags.WATCHES, world, told).items()} == {
        f"flags of {name}": (f"/etc/systemd/system/{name}.service",) for name in ("kube-apiserver", "kubelet")
    }
