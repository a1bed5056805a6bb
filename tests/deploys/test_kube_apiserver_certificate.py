"""The serving certificate: read, issued anew by a real openssl from a real CA, and left alone otherwise."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from k8snet_provision import assets
from k8snet_provision.resources import certificate
from k8snet_provision.resources.probe import Seen, Unknown
from k8snet_provision.seen import World
from tests.deploys.worlds import ABSENT, a_world, present, sent

pytestmark = pytest.mark.programs

apiserver_certificate = assets.deploy_module("apiserver_certificate")

OLD_NAMES = "DNS:cp1,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc"
OLD_NAMES += ",DNS:kubernetes.default.svc.cluster.local,IP:10.96.0.1,IP:192.0.2.11"


def openssl(*words: str, stdin: str = "") -> str:
    done = subprocess.run(["openssl", *words], input=stdin, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def new_key(path: Path, kind: str) -> None:
    algorithm = ["-algorithm", "RSA"] if kind == "rsa" else ["-algorithm", "EC", "-pkeyopt", "ec_paramgen_curve:P-256"]
    openssl("genpkey", *algorithm, "-out", str(path))


@pytest.fixture(params=["rsa", "ec"])
def pki(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A directory as kubeadm makes it: ca.crt, ca.key, apiserver.crt, apiserver.key."""
    directory = tmp_path / "pki"
    directory.mkdir()
    for name in ("ca", "apiserver"):
        new_key(directory / f"{name}.key", request.param)
    ca, key = str(directory / "ca.crt"), str(directory / "ca.key")
    openssl("req", "-x509", "-new", "-key", key, "-subj", "/CN=kubernetes", "-days", "3650", "-out", ca)
    request_text = openssl("req", "-new", "-key", str(directory / "apiserver.key"), "-subj", "/CN=kube-apiserver")
    (directory / "extensions").write_text(f"extendedKeyUsage=serverAuth\nsubjectAltName={OLD_NAMES}\n")
    leaf = ["-out", str(directory / "apiserver.crt"), "-extfile", str(directory / "extensions"), "-days", "365"]
    openssl("x509", "-req", "-CA", ca, "-CAkey", key, "-set_serial", "7", *leaf, stdin=request_text)
    return directory


def answer(pki: Path, *, authority_key: bool = True, with_openssl: bool = True) -> Seen:
    crt, ca = pki / "apiserver.crt", pki / "ca.crt"
    head = f"openssl={'/usr/bin/openssl' if with_openssl else ''}\nkey={pki / 'apiserver.key'}\n"
    head += f"authority={ca}\x1f{pki / 'ca.key' if authority_key else ''}\n\n"
    return present(head.encode() + sent(str(crt), crt.read_bytes()) + sent(str(ca), ca.read_bytes()))


def world(tmp_path: Path, seen: Seen) -> World:
    return a_world(tmp_path, "service_cidr: 10.254.0.0/16", {"cp1": {certificate.KEY: seen}})


def changes(found: World) -> list[certificate.Change]:
    return list(apiserver_certificate.changes(found, "kube-apiserver", "cp1"))


def codes(found: World) -> list[str]:
    return [problem.code for problem in apiserver_certificate.problems(found, "cp1")]


def issue(change: certificate.Change) -> subprocess.CompletedProcess[bytes]:
    script = apiserver_certificate.issue(change)
    return subprocess.run(["sh", "-c", script.text], input=script.stdin, capture_output=True, check=False, timeout=30)


def test_the_new_address_is_the_only_difference(tmp_path: Path, pki: Path) -> None:
    (change,) = changes(world(tmp_path, answer(pki)))
    assert change.before is not None and change.after is not None
    assert set(change.after.splitlines()) - set(change.before.splitlines()) == {"IP:10.254.0.1"}
    assert set(change.before.splitlines()) - set(change.after.splitlines()) == set()


def test_what_is_issued_is_trusted_at_the_new_address_and_the_old(tmp_path: Path, pki: Path) -> None:
    key, request = (pki / "apiserver.key").read_bytes(), (pki / "apiserver.crt").read_bytes()
    (change,) = changes(world(tmp_path, answer(pki)))
    done = issue(change)
    assert done.returncode == 0, done.stderr
    for address in ("10.254.0.1", "10.96.0.1", "192.0.2.11"):
        verify = ["verify", "-purpose", "sslserver", "-CAfile", str(pki / "ca.crt"), "-verify_ip", address]
        openssl(*verify, str(pki / "apiserver.crt"))
    assert (pki / "apiserver.key").read_bytes() == key
    assert (pki / "apiserver.crt").read_bytes() != request
    assert openssl("x509", "-in", str(pki / "apiserver.crt"), "-noout", "-subject").strip().endswith("kube-apiserver")
    assert sorted(path.name for path in pki.iterdir()) == [
        "apiserver.crt",
        "apiserver.key",
        "ca.crt",
        "ca.key",
        "extensions",
    ]


def test_once_issued_nothing_is_left_to_do(tmp_path: Path, pki: Path) -> None:
    (change,) = changes(world(tmp_path, answer(pki)))
    assert issue(change).returncode == 0
    assert changes(world(tmp_path, answer(pki))) == []
    assert codes(world(tmp_path, answer(pki, authority_key=False, with_openssl=False))) == []


def test_a_certificate_that_changed_since_it_was_seen_is_left_alone(tmp_path: Path, pki: Path) -> None:
    (change,) = changes(world(tmp_path, answer(pki)))
    text = (pki / "apiserver.crt").read_text() + "\n"
    (pki / "apiserver.crt").write_text(text)
    done = issue(change)
    assert (done.returncode, b"changed since it was observed" in done.stderr) == (75, True)
    assert (pki / "apiserver.crt").read_text() == text


def test_a_key_that_is_not_the_certificates_stops_the_issue(tmp_path: Path, pki: Path) -> None:
    (change,) = changes(world(tmp_path, answer(pki)))
    before = (pki / "apiserver.crt").read_bytes()
    new_key(pki / "apiserver.key", "rsa")
    assert issue(change).returncode == 1
    assert (pki / "apiserver.crt").read_bytes() == before


def test_without_the_cas_key_or_openssl_it_is_refused_before_anything_changes(tmp_path: Path, pki: Path) -> None:
    assert codes(world(tmp_path, answer(pki, authority_key=False))) == ["K8N274"]
    assert codes(world(tmp_path, answer(pki, with_openssl=False))) == ["K8N275"]


def test_a_certificate_of_another_ca_is_refused(tmp_path: Path, pki: Path) -> None:
    openssl(
        *["req", "-x509", "-new", "-key", str(pki / "apiserver.key"), "-subj", "/CN=kubernetes"],
        *["-out", str(pki / "ca.crt")],
    )
    found = world(tmp_path, answer(pki))
    assert (changes(found), codes(found)) == ([], ["K8N274"])


def test_a_certificate_that_is_none_is_unknown(tmp_path: Path, pki: Path) -> None:
    (pki / "apiserver.crt").write_text("half written")
    with pytest.raises(Unknown, match="no certificate in PEM form"):
        changes(world(tmp_path, answer(pki)))


def test_an_apiserver_without_a_certificate_file_is_refused(tmp_path: Path) -> None:
    assert codes(world(tmp_path, ABSENT)) == ["K8N273"]
