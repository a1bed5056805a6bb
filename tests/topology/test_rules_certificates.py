"""Certificates of the catalogue, made by openssl: what is wrong with them, and where it is written."""

from __future__ import annotations

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from k8snet_provision.problems import Problem, Severity
from k8snet_provision.topology.certificate_faults import covers
from k8snet_provision.topology.rules_certificates import certificate_is_wrong

from .ways_in import certify, openssl, ways_in
from .written import Written

ERROR, WARNING = Severity.ERROR, Severity.WARNING
CERTIFICATE, KEY = "certificate: .tls/shop.crt", "key: .tls/shop.key"
HOST = "subjectAltName=DNS:shop.example.com"


def only(written: Written) -> Problem:
    (problem,) = written.problems()
    return problem


def test_a_chain_leaf_first_is_sound(tmp_path: Path) -> None:
    written = ways_in(tmp_path)
    tls = tmp_path / ".tls"
    certify(tls, "root")
    certify(tls, "middle", by="root")
    certify(tls, "shop", by="middle")
    (tls / "shop.crt").write_text("".join((tls / f"{name}.crt").read_text() for name in ("shop", "middle", "root")))
    assert written.problems() == []


@pytest.mark.parametrize(
    ("order", "says"),
    [
        (("shop", "root", "middle"), "the chain is in the wrong order"),
        (("shop", "stranger"), "the chain is broken"),
    ],
)
def test_a_chain_that_does_not_lead_up_is_refused(order: tuple[str, ...], says: str, tmp_path: Path) -> None:
    written = ways_in(tmp_path)
    tls = tmp_path / ".tls"
    for name, by in (("root", ""), ("middle", "root"), ("shop", "middle"), ("stranger", "")):
        certify(tls, name, by=by)
    (tls / "shop.crt").write_text("".join((tls / f"{name}.crt").read_text() for name in order))
    problem = only(written)
    assert (problem.code, problem.where) == ("K8N194", written.line(CERTIFICATE))
    assert says in problem.text
    assert f"CN={order[1]} after CN=shop" in problem.found


def test_a_key_of_another_certificate_is_refused(tmp_path: Path) -> None:
    written = ways_in(tmp_path)
    certify(tmp_path / ".tls", "other")
    (tmp_path / ".tls/other.key").rename(tmp_path / ".tls/shop.key")
    problem = only(written)
    assert (problem.code, problem.where) == ("K8N194", written.line(KEY))
    assert problem.text == "Ingress default/shop: the key does not belong to the certificate"
    assert "openssl pkey -pubout" in problem.hint


@pytest.mark.parametrize(
    "command",
    [
        ("genrsa", "-traditional", "-out", "shop.key", "2048"),
        ("genrsa", "-out", "shop.key", "2048"),
        ("ecparam", "-name", "secp384r1", "-genkey", "-out", "shop.key"),
        ("genpkey", "-algorithm", "ed25519", "-out", "shop.key"),
    ],
    ids=["PKCS1", "PKCS8", "EC with its parameters", "Ed25519"],
)
def test_every_kind_of_key_is_read(command: tuple[str, ...], tmp_path: Path) -> None:
    written = ways_in(tmp_path)
    openssl(*command, folder=tmp_path / ".tls")
    request = ("req", "-x509", "-new", "-key", "shop.key", "-subj", "/CN=x", "-days", "99", "-addext", HOST)
    openssl(*request, "-out", "shop.crt", folder=tmp_path / ".tls")
    assert written.problems() == []


def test_the_dates_are_held_against_the_clock(tmp_path: Path) -> None:
    cluster = ways_in(tmp_path).cluster()
    made = datetime.now(UTC)
    found = {
        days: [(problem.code, problem.severity) for problem in certificate_is_wrong(cluster, made + timedelta(days))]
        for days in (-2, 0, 334, 336, 366)
    }
    assert found == {
        -2: [("K8N195", ERROR)], 0: [], 334: [], 336: [("K8N195", WARNING)], 366: [("K8N195", ERROR)]
    }  # fmt: skip


def test_an_expired_certificate_names_the_date(tmp_path: Path) -> None:
    written = ways_in(tmp_path)
    end = datetime.now(UTC) + timedelta(days=365)
    (problem,) = certificate_is_wrong(written.cluster(), end + timedelta(days=3))
    assert (problem.code, problem.where) == ("K8N195", written.line(CERTIFICATE))
    assert problem.text == "Ingress default/shop: the certificate of CN=shop has expired"
    assert problem.found.startswith(f"{end:%Y-%m-}")


@pytest.mark.parametrize(
    ("name", "host", "expected"),
    [
        ("a.example", "a.example", True),
        ("*.example", "a.example", True),
        ("*.example", "a.b.example", False),
        ("*.example", "example", False),
        ("*.example", "*.example", True),
        ("a.example", "*.example", False),
        ("*.b.example", "*.example", False),
    ],
)
def test_a_wildcard_stands_for_one_label(name: str, host: str, expected: bool) -> None:
    assert covers(name, host) is expected


@pytest.mark.parametrize(
    ("extension", "found"),
    [("subjectAltName=DNS:other.example.com,DNS:*.shop.example.com", "other.example.com"),
     ("basicConstraints=CA:FALSE", "no name in subjectAltName")],
)  # fmt: skip
def test_a_certificate_for_other_names_is_refused(extension: str, found: str, tmp_path: Path) -> None:
    written = ways_in(tmp_path)
    certify(tmp_path / ".tls", "shop", extension)
    problem = only(written)
    assert (problem.code, problem.where) == ("K8N196", written.line(CERTIFICATE))
    assert problem.text.endswith("the certificate is not for shop.example.com")
    assert found in problem.found


def test_files_nobody_can_use_are_blamed_on_the_key_of_the_inventory(tmp_path: Path) -> None:
    written = ways_in(tmp_path)
    crt, key = tmp_path / ".tls/shop.crt", tmp_path / ".tls/shop.key"
    text = crt.read_text()

    def says(content: bytes | None) -> str:
        crt.unlink(missing_ok=True)
        if content is not None:
            crt.write_bytes(content)
        problem = only(written)
        assert (problem.code, problem.where, problem.found[:80]) == (
            "K8N193", written.line(CERTIFICATE), problem.found if content and b"BEGIN C" in content else ".tls/shop.crt"
        )  # fmt: skip
        return problem.text

    assert says(None).endswith("cannot be read: No such file or directory")
    assert says(b"").endswith("it holds no PEM (-----BEGIN ...)")
    assert says(text.encode() + b"\xff").endswith("not ASCII")
    assert says(text.encode() * 2000).endswith("larger than 524288 bytes")
    assert says(text.encode().replace(b"M", b"!", 9)).endswith("the certificate cannot be read")
    crt.write_text(text)
    key.unlink()
    os.mkfifo(key)
    assert only(written).text.endswith("the key cannot be read: it is not a regular file")


def test_a_key_with_a_passphrase_is_refused(tmp_path: Path) -> None:
    written = ways_in(tmp_path)
    openssl("ec", "-in", "shop.key", "-aes256", "-passout", "pass:x", "-out", "shop.key.new", folder=tmp_path / ".tls")
    (tmp_path / ".tls/shop.key.new").rename(tmp_path / ".tls/shop.key")
    problem = only(written)
    assert (problem.code, problem.where) == ("K8N193", written.line(KEY))
    assert "passphrase" in problem.found


def test_the_default_certificate_is_judged_too(tmp_path: Path) -> None:
    default = "    default_certificate: {certificate: .tls/missing.crt, key: .tls/shop.key}\n    config:"
    written = ways_in(tmp_path, ("    config:", default))
    problem = only(written)
    assert (problem.code, problem.where) == ("K8N193", written.line("default_certificate"))


def test_two_certificates_in_one_secret_are_refused(tmp_path: Path) -> None:
    second = """\
        - hosts: ["*.example.com"]
          secret: shop-tls # again
          certificate: .tls/shop.crt
          key: .tls/other.key
"""
    written = ways_in(tmp_path, (f"          {KEY}\n", f"          {KEY}\n          secret: shop-tls\n{second}"))
    found = [(problem.code, problem.where) for problem in written.problems()]
    assert ("K8N192", written.line("# again")) in found
