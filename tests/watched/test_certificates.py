"""When a certificate is told, how bad it is, and which of two certificates an API server shows."""

from __future__ import annotations

import base64
from datetime import timedelta
from pathlib import Path

from k8snet_provision import assets
from k8snet_provision.drift import Code, Finding, Severity
from k8snet_provision.preflight.certificates import (
    AUTHORITY,
    BY_HAND,
    BY_ITSELF,
    KEY,
    SERVED,
    SERVING,
    UNCHECKED,
    Found,
)
from tests.deploys.worlds import a_state, a_world, present
from tests.preflight.test_certificates import NOW, pem

watched = assets.deploy_module("watched.certificates")
ingress = assets.deploy_module("watched.ingress_certificates")

CRT = "/etc/kubernetes/pki/apiserver.crt"
AT = "127.0.0.1:6443"


def said(*certificates: tuple[str, str, str], now: float = NOW.timestamp()) -> str:
    """A host's answer: (what, path, PEM) of each."""
    rows = "".join(f"={BY_HAND}\x1f{what}\x1f{path}\x1f\n{text}\n" for what, path, text in certificates)
    return f"now={now:.0f}\n{rows}"


def found(tmp_path: Path, answer: str) -> list[Finding]:
    world = a_world(tmp_path, "service_cidr: 10.96.0.0/16", {"cp1": {KEY: present(answer)}})
    return list(watched.on_host(world, "cp1"))


def ending(tmp_path: Path, days: float, how: str = BY_HAND, life: float = 365) -> list[Severity]:
    world = a_world(tmp_path, "service_cidr: 10.96.0.0/16")
    ends = NOW + timedelta(days=days)
    one = Found(how, "kubelet client", "/x.pem", ends - timedelta(days=life), ends)
    return [finding.severity for finding in watched.ending(world, "cp1", one, NOW)]


def test_a_month_before_it_ends_is_a_warning_and_the_last_week_critical(tmp_path: Path) -> None:
    severities = {days: ending(tmp_path, days) for days in (31, 29, 8, 6, 0, -1)}
    warning, critical = [Severity.WARNING], [Severity.CRITICAL]
    assert severities == {31: [], 29: warning, 8: warning, 6: critical, 0: critical, -1: critical}


def test_one_that_lives_for_days_has_its_time_in_proportion(tmp_path: Path) -> None:
    assert ending(tmp_path, 0.2, BY_ITSELF, life=1) == []
    assert ending(tmp_path, 0.05, BY_ITSELF, life=1) == [Severity.WARNING]
    assert ending(tmp_path, 0.01, BY_ITSELF, life=1) == [Severity.CRITICAL]


def test_one_that_nobody_checks_is_a_warning_at_most(tmp_path: Path) -> None:
    assert ending(tmp_path, -10, UNCHECKED) == [Severity.WARNING]


def test_one_that_is_not_valid_yet_by_the_hosts_own_clock(tmp_path: Path) -> None:
    early = NOW - timedelta(days=900)
    (finding,) = found(tmp_path, said((AUTHORITY, "/ca.crt", pem(100)), now=early.timestamp()))
    assert finding.severity is Severity.CRITICAL
    assert f"the host's clock says {early:%Y-%m-%d}" in finding.text


def test_it_is_the_same_finding_from_day_to_day_until_it_is_renewed(tmp_path: Path) -> None:
    today, renewed = pem(20), pem(25)
    prints = [
        found(tmp_path, said(("etcd server", "/etcd.crt", text), now=NOW.timestamp() + days * 86400))[0].fingerprint
        for text, days in ((today, 0), (today, 1), (today, 18), (renewed, 1))
    ]
    assert len(set(prints[:3])) == 1
    assert prints[3] not in prints[:3]


def test_a_server_that_shows_its_file_is_in_sync_and_an_end_is_told_once(tmp_path: Path) -> None:
    good, bad = pem(200), pem(3)
    assert found(tmp_path, said((SERVING, CRT, good), (SERVED, AT, good))) == []
    assert [f.code for f in found(tmp_path, said((SERVING, CRT, bad), (SERVED, AT, bad)))] == [Code.CERTIFICATE_ENDS]


def test_a_server_that_shows_another_certificate_than_its_file(tmp_path: Path) -> None:
    (finding,) = found(tmp_path, said((SERVING, CRT, pem(200, "new")), (SERVED, AT, pem(100, "old"))))
    assert (finding.code, finding.severity) == (Code.SERVED_CERTIFICATE, Severity.WARNING)
    assert "subject: CN=old\n" in str(finding.before)
    assert "subject: CN=new\n" in str(finding.after)


def test_what_cannot_be_read_is_unknown_and_hides_nothing(tmp_path: Path) -> None:
    answer = said(
        ("etcd server", "/etcd.crt", pem(3)), ("etcd peer", "/peer.crt", "\x00garbage"), ("CA", "/ca.crt", "")
    )
    ends, *unknown = found(tmp_path, answer)
    assert ends.code == Code.CERTIFICATE_ENDS
    assert [str(what) for what in unknown] == [
        f"cp1: {name} certificate {path} is unknown: it holds no certificate in PEM form"
        for name, path in (("etcd peer", "/peer.crt"), ("CA", "/ca.crt"))
    ]


def test_certificates_of_the_topology_and_of_the_webhook_are_looked_at(tmp_path: Path) -> None:
    topology = "service_cidr: 10.96.0.0/16\ningress: {pattern: load_balancer}\n"
    webhook = " ".join(base64.b64encode(text.encode()).decode() for text in (pem(100), pem(4)))
    now = f"{NOW.timestamp():.0f}"
    answers = {"watched:now": present(f"{now}\n"), "ingress:certificate": present(f"{now} {webhook}")}
    world = a_world(tmp_path, topology, {}, a_state(said=answers))
    (finding,) = ingress.in_cluster(world)
    assert (finding.severity, finding.target) == (Severity.CRITICAL, "cluster")
    assert finding.what == "the webhook's certificate Secret ingress-nginx/ingress-nginx-webhook"
