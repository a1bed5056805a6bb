"""The preflight of an apply: everything it looks for is really brought about, and named; then it is gone again."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from k8snet_provision import preflight, workflow
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.seen import World
from k8snet_provision.workflow import Request, Session
from tests.hosts.labs import LabCluster

pytestmark = pytest.mark.hosts

OWN = "/var/lib/k8snet-provision"


@dataclass(frozen=True)
class Ready:
    """A lab, and a plan for it that was made while all was well: the service range moves, so all hosts change."""

    lab: LabCluster
    session: Session
    plan: Plan
    world: World

    def check(self, *skip: str) -> list[Problem]:
        return preflight.check(self.session.fleet, self.world, self.session.site, self.session.cluster, self.plan, skip)

    def told(self, *skip: str) -> list[tuple[str, str, str]]:
        return [(problem.code, str(problem.where), str(problem.severity)) for problem in self.check(*skip)]

    def until(self, wanted: Sequence[tuple[str, str, str]], seconds: float = 120) -> list[Problem]:
        """The problems once they are the wanted ones, and nothing beside them."""
        ends = time.monotonic() + seconds
        while True:
            found = self.check()
            told = [(problem.code, str(problem.where), str(problem.severity)) for problem in found]
            if told == list(wanted):
                return found
            assert time.monotonic() < ends, f"waited {seconds:g} s for {wanted}; last: {list(map(str, found))}"
            time.sleep(1)

    def first(self, code: str, seconds: float = 120) -> Problem:
        """The first problem of a code, once it is told."""
        ends = time.monotonic() + seconds
        while True:
            if found := [problem for problem in self.check() if problem.code == code]:
                return found[0]
            assert time.monotonic() < ends, f"waited {seconds:g} s for {code}"
            time.sleep(1)

    @contextmanager
    def on(self, host: str, made: str, undone: str) -> Iterator[None]:
        """Brings something about on a host, and undoes it whatever happens."""
        try:
            self.lab.on(host, made)
            yield
        finally:
            self.lab.on(host, undone)


@pytest.fixture(scope="module")
def ready(fresh_systemd: LabCluster) -> Iterator[Ready]:
    with workflow.session(Request(fresh_systemd.inventory)) as session:
        looked = workflow.diff(session)
        plan, world = looked.plan, looked.world
        assert plan.changes and not plan.incomplete
        made = Ready(fresh_systemd, session, plan, world)
        made.until([])
        yield made


def test_nothing_is_wrong_with_a_lab_as_it_was_made(ready: Ready) -> None:
    """Each check is told apart from the others below because all of them pass here."""
    assert {change.target for change in ready.plan.changes} >= {"cp1", "cp2", "cp3", "node1"}
    assert ready.told() == []


def test_what_cannot_be_skipped_is_a_misuse_that_lists_what_can(ready: Ready) -> None:
    for word in ("K8N473", "K8N001", "all"):
        with pytest.raises(ProblemsFound, match=f"K8N460 .*found {word}.*K8N461 .a host's clock differs") as refused:
            ready.check(word)
        assert len(refused.value.problems) == 1


def test_a_full_file_system_is_named_and_may_be_skipped(ready: Ready) -> None:
    full = f"mkdir -p {OWN} && mount -t tmpfs -o size=1m,nr_inodes=1000 preflight {OWN} && "
    full += f"head -c 1M /dev/zero >{OWN}/full 2>/dev/null; df {OWN} | grep -q 100%"
    with ready.on("node1", full, f"umount {OWN}"):
        (problem,) = ready.until([("K8N463", "node1", "error")])
        assert (problem.text, problem.found) == (f"too little space for {OWN}", "0.0 MiB free of 1.0 MiB")
        assert ready.told("K8N463") == [("K8N463", "node1", "warning")]
        assert ready.check("K8N463")[0].text.endswith("; skipped by --skip")
        assert ready.told("K8N464") == [("K8N463", "node1", "error")], "skipping one check skips no other"


def test_a_file_system_without_inodes_and_one_that_is_read_only_are_named(ready: Ready) -> None:
    mount = f"mkdir -p {OWN} && mount -t tmpfs -o size=64m,nr_inodes=100 preflight {OWN} && cd {OWN} && "
    with ready.on("node1", f"{mount} touch $(seq 100) 2>/dev/null; [ -e 50 ]", f"umount {OWN}"):
        ready.until([("K8N464", "node1", "error")])
    with ready.on("node1", f"{mount} mount -o remount,ro {OWN}", f"umount {OWN}"):
        (problem,) = ready.until([("K8N463", "node1", "error")])
        assert problem.text == f"{OWN} cannot be written"


def certificate(days: float) -> str:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "front-proxy-client")])
    ends = datetime.now(UTC) + timedelta(days=days)
    built = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    signed = built.not_valid_before(ends - timedelta(days=365)).not_valid_after(ends).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


@pytest.mark.parametrize(("days", "code"), [(-1.0, "K8N465"), (29.0, "K8N466")], ids=["expired", "ends soon"])
def test_a_certificate_that_is_or_will_be_of_no_use_is_named(ready: Ready, days: float, code: str) -> None:
    path = "/etc/kubernetes/pki/front-proxy-client.crt"
    put = f"mv {path} {path}.kept && printf %s '{certificate(days)}' >{path}"
    with ready.on("cp2", put, f"mv {path}.kept {path}"):
        (problem,) = ready.until([(code, "cp2", "error")])
        assert problem.text.startswith(f"front-proxy client certificate {path} ")


def test_without_openssl_on_the_host_certificates_are_judged_all_the_same(ready: Ready) -> None:
    where = ready.lab.on("cp1", "command -v openssl").strip()
    with ready.on("cp1", f"mv {where} {where}.kept", f"mv {where}.kept {where}"):
        ready.until([])


def test_a_certificate_that_is_not_there_is_unknown_which_is_not_fine(ready: Ready) -> None:
    path = "/etc/kubernetes/pki/etcd/peer.crt"
    with ready.on("cp3", f"mv {path} {path}.kept", f"mv {path}.kept {path}"):
        (problem,) = ready.until([("K8N476", "cp3", "error")])
        assert str(problem).endswith("hint: see to it that it can be read, or give --skip K8N476")


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        ("45 seconds", [("K8N461", "cp2", "error"), ("K8N462", "cluster", "error")]),
        ("15 seconds ago", [("K8N461", "cp2", "warning"), ("K8N462", "cluster", "warning")]),
    ],
)
def test_a_clock_that_is_wrong_is_seen(ready: Ready, ahead: str, told: list[tuple[str, str, str]]) -> None:
    """The lab's hosts share the kernel's clock, so it is the program `date` that is wrong."""
    fake = "/usr/local/bin/date"
    put = f"""printf '#!/bin/sh\\nexec /usr/bin/date -d "{ahead}" "$@"\\n' >{fake} && chmod +x {fake}"""
    with ready.on("cp2", put, f"rm {fake}"):
        ready.until(told)


def test_a_member_of_etcd_that_is_down_is_named_once(ready: Ready) -> None:
    with ready.on("cp3", "systemctl stop etcd", "systemctl start etcd"):
        (problem,) = ready.until([("K8N468", "cp3", "error")])
        assert problem.text.startswith("etcd at https://") and problem.text.endswith(":2379 is not healthy")
    ready.until([])


def test_an_api_server_that_does_not_run_is_named(ready: Ready) -> None:
    """Its certificates and what it knows of etcd are then unknown."""
    with ready.on("cp2", "systemctl stop kube-apiserver", "systemctl start kube-apiserver"):
        ready.until([("K8N476", "cp2", "error"), ("K8N467", "cp2", "error")])
    ready.until([])


def test_without_curl_kubectl_asks_instead(ready: Ready) -> None:
    where = ready.lab.on("cp3", "command -v curl").strip()
    hide = f"mv {where} {where}.kept"
    with ready.on("cp3", hide, f"mv {where}.kept {where}"):
        ready.until([])
        with ready.on("cp2", "systemctl stop etcd", "systemctl start etcd"):
            ready.until([("K8N468", "cp2", "error")])
    ready.until([])


def test_a_node_that_is_not_ready_is_named_and_its_pods_are_not_told_again(ready: Ready) -> None:
    """Neither those of DaemonSets nor those of a Deployment; one of which a Pod elsewhere is missing is told."""
    with ready.on("cp1", f"kubectl apply -f - <<'END'\n{ON_NODE1}END", DELETED):
        ready.lab.on("cp1", "kubectl -n kube-system rollout status deployment/there --timeout=60s")
        with ready.on("node1", "systemctl stop kubelet", "systemctl start kubelet"):
            problem = ready.first("K8N469")
            assert (problem.where, problem.found) == ("node1", "Ready is Unknown, NodeStatusUnknown")
            ready.until([("K8N469", "node1", "error")])
            ready.lab.on("cp1", "kubectl -n kube-system scale deployment/there --replicas=2")
            ready.until([("K8N469", "node1", "error"), ("K8N470", "cluster", "error")])
    ready.until([])


ON_NODE1 = """\
{"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "there", "namespace": "kube-system"},
 "spec": {"replicas": 1, "selector": {"matchLabels": {"app": "there"}},
          "template": {"metadata": {"labels": {"app": "there"}},
                       "spec": {"nodeSelector": {"kubernetes.io/hostname": "node1"}, "terminationGracePeriodSeconds": 1,
                                "containers": [{"name": "pause", "image": "registry.k8s.io/pause:3.10.2"}]}}}}
"""
DELETED = "kubectl -n kube-system delete deployment there"


def test_a_cordoned_node_is_warned_of(ready: Ready) -> None:
    with ready.on("cp1", "kubectl cordon node1", "kubectl uncordon node1"):
        ready.until([("K8N471", "node1", "warning")])
    ready.until([])


def test_a_roll_out_in_progress_is_named_where_it_concerns_the_plan(ready: Ready) -> None:
    """A pod whose image does not come."""
    made = "kubectl -n {0} create deployment stuck --image=registry.invalid/nothing:1"
    undone = "kubectl -n {0} delete deployment stuck --wait=false"
    with ready.on("cp1", made.format("default"), undone.format("default")):
        ready.until([])
    with ready.on("cp1", made.format("kube-system"), undone.format("kube-system")):
        ready.until([("K8N470", "cluster", "error")])
        (problem,) = ready.check()
        assert problem.text == "Deployment kube-system/stuck has a roll-out in progress"
        assert problem.found == "0 of 1 pods are available"
    ready.until([])


def test_nothing_on_the_hosts_is_changed_by_it(ready: Ready) -> None:
    changed = "find /etc /var/lib/k8snet-provision /root /tmp -newermt '3 seconds ago' -type f 2>/dev/null | wc -l"
    hosts = ("cp1", "node1")
    time.sleep(4)
    ready.check()
    assert [ready.lab.on(host, changed).strip() for host in hosts] == ["0", "0"]
