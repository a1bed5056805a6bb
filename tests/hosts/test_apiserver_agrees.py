"""The rules about ranges against the real kube-apiserver: what it refuses, lint refuses first."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision.lab import artifacts
from k8snet_provision.problems import Problem, Severity
from tests.topology.written import TOPOLOGY, write

pytestmark = pytest.mark.hosts

# Port 0 is refused too, together with everything else that is wrong, before anything is started.
STOP = "--secure-port 0 must be between 1 and 65535, inclusive. It cannot be turned off with 0"


@pytest.fixture(scope="module")
def apiserver(tmp_path_factory: pytest.TempPathFactory) -> Iterator[list[str]]:
    """A command line that validates its flags and exits."""
    program = artifacts.ensure(print).layer / "usr/local/bin/kube-apiserver"
    folder = tmp_path_factory.mktemp("apiserver")
    key = folder / "sa.key"
    subprocess.run(["openssl", "genrsa", "-out", str(key), "2048"], check=True, capture_output=True, timeout=60)
    yield [
        str(program), "--secure-port=0", "--etcd-servers=http://127.0.0.1:1", f"--cert-dir={folder}",
        "--service-account-issuer=https://x", f"--service-account-key-file={key}",
        f"--service-account-signing-key-file={key}",
    ]  # fmt: skip


def refusal(apiserver: list[str], services: str, ports: str) -> str:
    """What the apiserver says against two ranges; empty when it accepts them."""
    address = "fd00:1::1" if ":" in services.partition(",")[0] else "192.0.2.11"
    flags = [f"--advertise-address={address}", f"--service-cluster-ip-range={services}"]
    command = [*apiserver, *flags, f"--service-node-port-range={ports}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    (said,) = re.findall(r'(?m)(?:"command failed" err="|^Error: )(.*?)"?$', done.stderr)
    return "" if said == STOP else str(said)


def errors(path: Path, services: str, ports: str) -> list[Problem]:
    """What lint says about the two ranges, everything else being sound and leaving them room."""
    text = TOPOLOGY.replace("  pod_cidr: 10.244.0.0/16\n", "").replace("    address: 10.254.0.10\n", "")
    text = text.replace("10.254.0.0/16", f"'{services}'").replace("30000-32767", f"'{ports}'")
    problems = write(path, text).problems()
    return [problem for problem in problems if problem.severity is Severity.ERROR]


PORTS = "30000-32767"
BOTH_REFUSE = [
    ("10.254.0.0", PORTS),
    ("10.254.0.0/33", PORTS),
    ("nonsense", PORTS),
    ("10.254.0.0/30", PORTS),
    ("10.254.0.0/32", PORTS),
    ("fd00:254::/126", PORTS),
    ("0.0.0.0/0", PORTS),
    ("10.254.0.0/16,10.253.0.0/16", PORTS),
    ("10.254.0.0/16,fd00:254::/108,fd00:255::/108", PORTS),
    ("10.254.0.0/16", "32767-30000"),
    ("10.254.0.0/16", "30000-65536"),
    ("10.254.0.0/16", "some"),
]
BOTH_ACCEPT = [
    ("10.254.0.0/16", PORTS),
    ("10.254.0.0/28", PORTS),
    ("11.0.0.0/11", PORTS),
    ("12.0.0.0/8", PORTS),
    ("fd00:254::/108", PORTS),
    ("fd00:254::/64", PORTS),
    ("10.254.0.0/16,fd00:254::/108", PORTS),
    ("fd00:254::/108,10.254.0.0/16", PORTS),
    ("10.254.0.0/16", "20000-20000"),
]
# The apiserver starts with these and the cluster is wrong afterwards.
ONLY_LINT_REFUSES = [
    ("10.254.0.1/16", PORTS, "K8N104"),
    ("10.254.0.0/29", PORTS, "K8N122"),
    ("fd00:254::/60", PORTS, "K8N121"),
    ("127.0.0.0/16", PORTS, "K8N124"),
    ("169.254.0.0/16", PORTS, "K8N124"),
    ("224.0.0.0/16", PORTS, "K8N124"),
    ("10.254.0.0/16,fd00:254::/126", PORTS, "K8N122"),
    ("10.254.0.0/16", "80-443", "K8N130"),
    ("10.254.0.0/16", "6000-7000", "K8N130"),
]


@pytest.mark.parametrize(("services", "ports"), BOTH_REFUSE)
def test_what_the_apiserver_refuses_is_refused(services: str, ports: str, apiserver: list[str], tmp_path: Path) -> None:
    assert refusal(apiserver, services, ports)
    assert errors(tmp_path, services, ports)


@pytest.mark.parametrize(("services", "ports"), BOTH_ACCEPT)
def test_what_is_accepted_starts(services: str, ports: str, apiserver: list[str], tmp_path: Path) -> None:
    assert errors(tmp_path, services, ports) == []
    assert refusal(apiserver, services, ports) == ""


@pytest.mark.parametrize(("services", "ports", "code"), ONLY_LINT_REFUSES)
def test_what_the_apiserver_lets_through_is_refused_for_its_own_reason(
    services: str, ports: str, code: str, apiserver: list[str], tmp_path: Path
) -> None:
    assert refusal(apiserver, services, ports) == ""
    assert {problem.code for problem in errors(tmp_path, services, ports)} == {code}
