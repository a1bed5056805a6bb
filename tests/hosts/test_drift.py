"""drift and watch on a cluster just installed: what they find, what they cannot see, and what of that they say."""

from __future__ import annotations

import json
import re
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import unquote, urlsplit

import junitparser
import pytest

from k8snet_provision.lab import network, settings
from k8snet_provision.reports.drift.forms import FORMS
from tests.hosts.labs import LabCluster, broken
from tests.hosts.test_rollback import AS_INSTALLED
from tests.hosts.watches import Watch
from tests.reports.drift.readers import READERS

pytestmark = pytest.mark.hosts

SAME, DIFFERS, INCOMPLETE = 0, 2, 3
KUBELET = "/var/lib/kubelet/config.yaml"
BY_HAND = "s/^clusterDNS:/# by hand\\n&/; s/10\\.96\\.0\\.10/10.96.0.99/"
SPOIL = f"cp -p {KUBELET} {KUBELET}.kept && sed -i '{BY_HAND}' {KUBELET}"
MEND = f"mv {KUBELET}.kept {KUBELET}"


@pytest.fixture(scope="module")
def cluster(fresh_systemd: LabCluster) -> LabCluster:
    """Its topology is what is there."""
    fresh_systemd.topology(AS_INSTALLED)
    return fresh_systemd


@contextmanager
def cut_off(cluster: LabCluster, host: str) -> Iterator[None]:
    """Without a carrier: what is sent to it is lost, and nobody says so."""
    link = settings.read(cluster.inventory).link(host)
    network.cut(link)
    try:
        yield
    finally:
        subprocess.run(["ip", "link", "set", link, "up"], check=True, capture_output=True, timeout=10)


def drift(cluster: LabCluster, *arguments: str) -> tuple[int, dict[str, Any]]:
    ran = cluster.tool("drift", *arguments, "--output", "json")
    assert "Traceback" not in ran.err, ran
    (report,) = json.loads(ran.out)["reports"]
    return ran.code, report


def places(report: dict[str, Any]) -> set[tuple[str, str]]:
    return {(found["target"], found["what"]) for found in report["findings"]}


def unseen(report: dict[str, Any]) -> set[str]:
    return {item["target"] for item in report["incomplete"]}


def test_a_cluster_that_is_as_its_topology_says_is_in_sync(cluster: LabCluster) -> None:
    code, report = drift(cluster)
    assert (code, report["findings"], report["incomplete"]) == (SAME, [], []), report


def test_several_outputs_of_one_look_are_valid_and_agree(cluster: LabCluster, tmp_path: Path) -> None:
    """As the programs see them that they are for; with drift made by hand, and a host of which nothing is known."""
    words = [word for form in FORMS for word in ("--report", f"{form}={tmp_path}/{form}")]
    with broken(cluster, "node1", SPOIL, MEND), cut_off(cluster, "node2"):
        code, report = drift(cluster, *words)
    assert code == INCOMPLETE and ("node1", f"file {KUBELET}") in places(report), report
    for form in FORMS:
        READERS[form]((tmp_path / form).read_bytes())
    assert json.loads((tmp_path / "json").read_text())["reports"] == [report]
    counted = re.findall(r"^k8snet_drift_findings\{.*\} (\d+)$", (tmp_path / "prometheus").read_text(), re.MULTILINE)
    assert sum(map(int, counted)) == len(report["findings"])
    (suite,) = junitparser.JUnitXml.fromfile(str(tmp_path / "junit"))
    ends = {(case.classname, type(result).__name__) for case in suite for result in case.result}
    assert {("node1", "Failure"), ("node2", "Error")} <= ends
    (run,) = json.loads((tmp_path / "sarif").read_text())["runs"]
    assert [result["partialFingerprints"]["k8snetProvision/v1"] for result in run["results"]] == [
        found["fingerprint"] for found in report["findings"]
    ]
    place = run["results"][0]["locations"][0]["physicalLocation"]
    (line,) = (
        Path(unquote(urlsplit(place["artifactLocation"]["uri"]).path))
        .read_text()
        .splitlines()[place["region"]["startLine"] - 1 : place["region"]["startLine"]]
    )
    assert "topology" in line


def test_with_half_of_the_hosts_down_the_others_drift_is_told_and_every_host_that_is_down_is_named(
    cluster: LabCluster,
) -> None:
    stop, start = "systemctl stop ssh.socket ssh.service", "systemctl start ssh.service"
    with ExitStack() as faults:
        faults.enter_context(broken(cluster, "node1", SPOIL, MEND))
        faults.enter_context(broken(cluster, "cp2", stop, start))
        faults.enter_context(broken(cluster, "cp3", stop, start))
        faults.enter_context(cut_off(cluster, "node2"))
        code, report = drift(cluster)
    assert code == INCOMPLETE
    assert ("node1", f"file {KUBELET}") in places(report)
    assert {"cp2", "cp3", "node2"} <= unseen(report)
    assert "cp1" not in unseen(report) | {target for target, _ in places(report)}


def test_without_an_api_server_hosts_are_reported_and_the_cluster_is_unknown(cluster: LabCluster) -> None:
    with ExitStack() as faults:
        for host in ("cp1", "cp2", "cp3"):
            faults.enter_context(
                broken(cluster, host, "systemctl stop kube-apiserver", "systemctl start kube-apiserver")
            )
        faults.enter_context(broken(cluster, "node1", SPOIL, MEND))
        code, report = drift(cluster)
    assert code == INCOMPLETE
    assert ("node1", f"file {KUBELET}") in places(report)
    assert "cluster" in unseen(report)
    cluster.settle()


def test_a_login_without_sudo_is_named_and_hides_nothing(cluster: LabCluster) -> None:
    variables = cluster.inventory / "host_vars" / "node2"
    variables.mkdir(parents=True)
    (variables / "login.yml").write_text(
        "ansible_user: operator\nansible_become: true\nansible_become_password: wrong\n"
    )
    try:
        with broken(cluster, "node1", SPOIL, MEND):
            code, report = drift(cluster)
    finally:
        (variables / "login.yml").unlink()
        variables.rmdir()
        variables.parent.rmdir()
    assert code == INCOMPLETE
    (why,) = [item["why"] for item in report["incomplete"] if item["target"] == "node2"]
    assert "sudo refused the become password of operator" in why
    assert ("node1", f"file {KUBELET}") in places(report)


def test_watch_tells_what_appears_and_goes_and_is_lost_and_comes_back(cluster: LabCluster, tmp_path: Path) -> None:
    watch = Watch(cluster, tmp_path / "printed")
    try:
        seen = watch.waits_for(lambda line: line == "in sync")
        with broken(cluster, "node1", SPOIL, MEND):
            seen = watch.waits_for(lambda line: "  + node1  K8N700 warning: file /var/lib/kubelet" in line, seen)
            seen = watch.waits_for(lambda line: line.endswith(" +- 10.96.0.10"), seen)
            with cut_off(cluster, "node1"):
                seen = watch.waits_for(lambda line: "  ? node1: host could not be observed" in line, seen)
            seen = watch.waits_for(lambda line: "  ! node1: host is observed again" in line, seen)
        seen = watch.waits_for(lambda line: "  - node1  K8N700 warning: file /var/lib/kubelet" in line, seen)
    finally:
        code = watch.ends()
    assert code == SAME, watch.said
    assert "1 appeared · 1 went · now: in sync" in watch.said[-1], watch.said


def test_watch_goes_on_with_the_inventory_that_was_sound_and_takes_a_mended_one(
    cluster: LabCluster, tmp_path: Path
) -> None:
    topology = cluster.inventory / "group_vars" / "all" / "topology.yml"
    sound = topology.read_text()
    watch = Watch(cluster, tmp_path / "printed")
    try:
        seen = watch.waits_for(lambda line: line == "in sync")
        topology.write_text(sound.replace("iptables", "iptable"))
        seen = watch.waits_for(lambda line: "kube_proxy.mode" in line and "iptable" in line, seen)
        topology.write_text(sound.replace("iptables", "nftables"))
        watch.waits_for(lambda line: "  + cluster  K8N701 " in line and "kube-proxy" in line, seen)
    finally:
        topology.write_text(sound)
        code = watch.ends()
    assert code == DIFFERS, watch.said


def test_an_inventory_that_is_not_there(tmp_path: Path) -> None:
    from tests.hosts.labs import run

    for command in ("drift", "watch"):
        ran = run(command, str(tmp_path / "no"))
        assert (ran.code, ran.out, len(ran.err.splitlines())) == (1, "", 1), ran
        assert "K8N001 cannot be read" in ran.err
