"""Which certificates are found of the programs that run, what never leaves the host, and when one is a problem."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from k8snet_provision.preflight import certificates
from k8snet_provision.preflight.certificates import AUTHORITY, BY_HAND, BY_ITSELF, UNCHECKED, Found
from k8snet_provision.problems import Problem
from k8snet_provision.resources.probe import HostSeen
from tests.preflight.programs import Program, answer

NOW = datetime(2026, 11, 21, 2, 0, tzinfo=UTC)
KEY = ec.generate_private_key(ec.SECP256R1())
KEY_TEXT = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def pem(days: float, name: str = "made for a test") -> str:
    """A certificate that ends so many days after NOW, issued a year before that."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    ends = NOW + timedelta(days=days)
    built = x509.CertificateBuilder(subject, subject, KEY.public_key(), x509.random_serial_number())
    signed = built.not_valid_before(ends - timedelta(days=365)).not_valid_after(ends).sign(KEY, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM).decode()


@dataclass(frozen=True)
class Host:
    """A directory with the files of a control plane."""

    root: Path
    programs: list[Program] = field(default_factory=list)

    def file(self, name: str, text: str) -> str:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
        return str(path)

    def runs(self, program: str, *flags: str, environment: dict[str, str] | None = None, **mounts: str) -> None:
        """`mounts`: directories below this one, and which other one the program sees in its place."""
        seen = {str(self.root / name): str(self.root / source) for name, source in mounts.items()}
        self.programs.append(Program(program, flags, environment or {}, seen))

    def ends(self) -> dict[str, tuple[str, int]]:
        """For each file of this directory: what its certificate is for, and in how many days it ends."""
        found, unknown = certificates.read(self.answer()[0])
        assert unknown == []
        return {
            one.path.removeprefix(f"{self.root}/"): (one.what, round((one.ends - NOW) / timedelta(days=1)))
            for one in found
        }

    def answer(self) -> tuple[HostSeen, str]:
        return answer(certificates.probe(control_plane=False, prelude=""), programs=self.programs)

    def unknown(self) -> list[str]:
        return [str(one) for one in certificates.read(self.answer()[0])[1]]


@pytest.fixture
def host(tmp_path: Path) -> Host:
    return Host(tmp_path)


def test_an_api_server_s_certificates_are_found_by_its_flags_in_either_form(host: Host) -> None:
    host.runs(
        "kube-apiserver",
        f"--tls-cert-file={host.file('serving.crt', pem(100))}",
        "--kubelet-client-certificate",
        host.file("kubelets.crt", pem(101)),
        f"--proxy-client-cert-file={host.file('proxy.crt', pem(102))}",
        f"--etcd-certfile={host.file('etcd client.crt', pem(103))}",
        f"--client-ca-file={host.file('ca.crt', pem(-5) + pem(104))}",
    )
    assert host.ends() == {
        "serving.crt": ("kube-apiserver serving", 100),
        "kubelets.crt": ("kube-apiserver client of kubelets", 101),
        "proxy.crt": ("front-proxy client", 102),
        "etcd client.crt": ("kube-apiserver client of etcd", 103),
        "ca.crt": ("CA of clients", 104),
    }


def test_etcd_may_be_told_by_flags_by_its_environment_or_by_a_file(host: Host) -> None:
    host.runs("etcd", "-cert-file", host.file("a.crt", pem(10)), f"--peer-cert-file={host.file('a-peer.crt', pem(11))}")
    environment = {
        "ETCD_CERT_FILE": host.file("b.crt", pem(12)),
        "ETCD_PEER_CERT_FILE": host.file("b-peer.crt", pem(13)),
    }
    host.runs("etcd", environment=environment)
    config = f"client-transport-security:\n  cert-file: '{host.file('c.crt', pem(14))}'\n  key-file: /no\n"
    host.runs("etcd", f"--config-file={host.file('etcd.yaml', config)}")
    found = {path: days for path, (_, days) in host.ends().items()}
    assert found == {"a.crt": 10, "a-peer.crt": 11, "b.crt": 12, "b-peer.crt": 13, "c.crt": 14}


@pytest.mark.parametrize(
    "template",
    [
        "users:\n- user:\n    client-certificate-data: DATA\n    client-key-data: S0VZ\n",
        '{"users":[{"user":{"client-certificate-data":"DATA","client-key-data":"S0VZ"}}]}',
    ],
    ids=["yaml", "json"],
)
def test_the_certificate_in_a_kubeconfig_is_found(host: Host, template: str) -> None:
    text = template.replace("DATA", base64.b64encode(pem(20).encode()).decode())
    host.runs("kube-scheduler", f"--kubeconfig={host.file('scheduler.conf', text)}")
    assert host.ends() == {"scheduler.conf": ("kube-scheduler client", 20)}


def test_the_certificate_that_a_kubeconfig_names_is_found_beside_it(host: Host) -> None:
    config = host.file("conf/kubelet.conf", "users:\n- user:\n    client-certificate: pki/kubelet-client-current.pem\n")
    host.file("conf/pki/kubelet-client-current.pem", pem(30) + KEY_TEXT)
    host.runs("kubelet", f"--kubeconfig={config}", f"--cert-dir={host.root}")
    assert host.ends() == {"conf/pki/kubelet-client-current.pem": ("kubelet client", 30)}


def test_a_kubelet_s_serving_certificate_is_the_one_it_is_given_else_the_one_it_rotates_else_the_one_it_made(
    host: Host,
) -> None:
    given = host.file("config.yaml", f"tlsCertFile: {host.file('given.crt', pem(40))}\n")
    host.runs("kubelet", f"--config={given}", f"--cert-dir={host.root}/none")
    host.file("rotates/kubelet-server-current.pem", pem(41))
    host.file("rotates/kubelet.crt", pem(42))
    host.runs("kubelet", f"--cert-dir={host.root}/rotates")
    host.file("made/kubelet.crt", pem(43))
    host.runs("kubelet", f"--cert-dir={host.root}/made")
    assert {path: days for path, (_, days) in host.ends().items()} == {
        "given.crt": 40,
        "rotates/kubelet-server-current.pem": 41,
        "made/kubelet.crt": 43,
    }


def test_a_static_pod_s_certificates_are_found_and_those_of_a_cluster_in_pods_of_this_one_are_not(host: Host) -> None:
    """A static pod has the host's directory mounted; another cluster's API server has its own at the same path."""
    serving, proxy = host.file("pki/serving.crt", pem(60)), host.file("pki/proxy.crt", pem(61))
    host.file("other/serving.crt", pem(-1))
    host.file("other/proxy.crt", pem(-1))
    flags = f"--tls-cert-file={serving}", f"--proxy-client-cert-file={proxy}"
    host.runs("kube-apiserver", *flags, pki="pki")
    host.runs("kube-apiserver", *flags, pki="other")
    assert host.ends() == {
        "pki/serving.crt": ("kube-apiserver serving", 60),
        "pki/proxy.crt": ("front-proxy client", 61),
    }
    host.programs.pop(0)
    assert host.ends() == {}


def test_no_private_key_leaves_the_host(host: Host) -> None:
    """Also from files that hold more, or are damaged."""
    whole, cut = pem(50), pem(51).splitlines()[:4]
    texts = {
        "before.pem": KEY_TEXT + whole,
        "after.pem": whole + KEY_TEXT,
        "cut.pem": "\n".join([*cut, KEY_TEXT, whole]),
        "windows.pem": (KEY_TEXT + whole).replace("\n", "\r\n"),
    }
    for name, text in texts.items():
        host.runs("kube-apiserver", f"--tls-cert-file={host.file(name, text)}")
    conf = f"client-certificate-data: {base64.b64encode(whole.encode()).decode()}\nclient-key-data: "
    conf += base64.b64encode(KEY_TEXT.encode()).decode()
    host.runs("kube-scheduler", f"--kubeconfig={host.file('scheduler.conf', conf)}")
    assert host.ends().keys() == {*texts, "scheduler.conf"}
    left = host.answer()[1]
    assert "PRIVATE" not in left
    for line in [*KEY_TEXT.splitlines()[1:-1], base64.b64encode(KEY_TEXT.encode()).decode()]:
        assert line not in left


@pytest.mark.parametrize(
    ("text", "why"),
    [
        (None, "it cannot be read"),
        ("", "it holds no certificate in PEM form"),
        ("-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n", "it holds no certificate in PEM form"),
    ],
    ids=["not there", "empty", "damaged"],
)
def test_a_certificate_that_cannot_be_read_is_unknown(host: Host, text: str | None, why: str) -> None:
    path = str(host.root / "gone.crt") if text is None else host.file("serving.crt", text)
    host.runs("kube-apiserver", f"--tls-cert-file={path}")
    assert host.unknown() == [f"cp1: kube-apiserver serving certificate {path} is unknown: {why}"]


def found(days: float, how: str = BY_HAND, lives: float = 365) -> Found:
    ends = NOW + timedelta(days=days)
    return Found(how, "etcd peer", "/pki/peer.crt", ends - timedelta(days=lives), ends)


def told(one: Found) -> list[tuple[str, str]]:
    return [(problem.code, str(problem.severity)) for problem in certificates.problems("cp1", [one], NOW)]


def test_a_certificate_must_be_valid_now_and_for_thirty_days_more() -> None:
    assert told(found(30)) == []
    assert told(found(29.99)) == [("K8N466", "error")]
    assert told(found(0)) == [("K8N465", "error")]
    assert told(found(366.01)) == [("K8N465", "error")], "it begins later"
    assert told(found(-1, how=AUTHORITY, lives=3650)) == [("K8N465", "error")]


def test_one_that_a_program_renews_every_few_days_need_not_be_valid_for_a_month() -> None:
    assert told(found(3, lives=7)) == []
    assert told(found(2, lives=7)) == [("K8N466", "error")]


def test_the_kubelet_renews_its_own_when_at_most_nine_tenths_of_its_time_are_over() -> None:
    assert told(found(1, how=BY_ITSELF, lives=7)) == []
    assert told(found(0.6, how=BY_ITSELF, lives=7)) == [("K8N466", "error")]


def test_the_kubelet_s_self_made_certificate_stops_nobody() -> None:
    assert told(found(-100, how=UNCHECKED)) == [("K8N465", "warning")]


def test_a_problem_names_host_file_date_and_what_to_do() -> None:
    problem: Problem
    (problem,) = certificates.problems("cp2", [found(-1)], NOW)
    assert str(problem) == (
        "cp2: K8N465 etcd peer certificate /pki/peer.crt has expired (found valid until 2026-11-20T02:00:00Z, expected "
        "valid now and for 30 more days); hint: renew it before the change window (kubeadm certs renew, or as it was "
        "issued)"
    )
