"""Certificates: the one that each API server really serves, and the day on which each ends."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING

from cryptography.hazmat.primitives.hashes import SHA256

from deploys.watched.found import found
from k8snet_provision import cluster_state
from k8snet_provision.drift import Code, Finding, Severity, Watch
from k8snet_provision.preflight import certificates
from k8snet_provision.preflight.certificates import BY_ITSELF, SCRIPT, SERVED, SERVED_SCRIPT, SERVING, UNCHECKED, Found
from k8snet_provision.preflight.programs import FUNCTIONS
from k8snet_provision.resources.certificate import names_of
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

if TYPE_CHECKING:
    from cryptography.x509 import Certificate

NAME = "certificates"

NOW = f'printf "now=%s\\n" "$(date +%s)"\n{FUNCTIONS}'
"""The host's own clock decides what its programs take for valid."""


def probes(cluster: Cluster, host: str) -> Iterator[Probe]:
    if host not in cluster.control_planes:
        yield Probe(certificates.KEY, NOW + SCRIPT)
        return
    control_plane = cluster.topology.control_plane
    prelude = cluster_state.kubectl(control_plane.kubectl, control_plane.kubeconfig)
    yield Probe(certificates.KEY, NOW + certificates.probe(True, prelude).script + SERVED_SCRIPT + ":")


def on_host(world: World, host: str) -> Iterator[Finding | Unknown]:
    """And what could not be read: one such does not hide the others."""
    seen = world.host(host)
    now = _now(host, seen.text(certificates.KEY) or "")
    all_of_them, unknown = certificates.read(seen)
    given = {one.certificate for one in all_of_them if one.what == SERVING}
    for one in all_of_them:
        if one.what == SERVED:
            if one.certificate in given:
                continue
            yield from _served(world, host, one, all_of_them)
        yield from ending(world, host, one, now)
    yield from unknown


def _now(host: str, said: str) -> datetime:
    word = said.partition("\n")[0].removeprefix("now=")
    if not word.isdigit():
        raise Unknown(host, certificates.KEY, "the host did not tell its time")
    return datetime.fromtimestamp(int(word), UTC)


def _served(world: World, host: str, one: Found, others: list[Found]) -> Iterator[Finding]:
    given = next((other for other in others if other.what == SERVING), None)
    if given is None or given.certificate is None or one.certificate is None:
        return
    text = f"is not the one in {given.path}, which it was given"
    before, after = _shown(one.certificate), _shown(given.certificate)
    unit = world.topology.control_plane.units.kube_apiserver
    mend = f"on {host}: see what {unit} says of the file and its key, then start it anew"
    what = f"certificate that kube-apiserver serves at {one.path}"
    yield found(world, Code.SERVED_CERTIFICATE, host, NAME, what, text, before=before, after=after, mend=mend)


def _shown(certificate: Certificate) -> str:
    """What a person would compare, and what tells any two apart."""
    lines = (
        f"issuer: {certificate.issuer.rfc4514_string()}",
        f"subject: {certificate.subject.rfc4514_string()}",
        *names_of(certificate),
        f"valid until {_day(certificate.not_valid_after_utc)}",
        f"SHA-256 {certificate.fingerprint(SHA256()).hex()}",
    )
    return "".join(f"{line}\n" for line in lines)


def ending(world: World, target: str, one: Found, now: datetime) -> Iterator[Finding]:
    """Nothing while it is valid for long enough; the finding is the same from day to day until it is another one."""
    left = one.ends - now
    if now >= one.begins and left > one.ahead:
        return
    text, critical = _text(one, now)
    severity = Severity.CRITICAL if critical and one.how != UNCHECKED else Severity.WARNING
    before, after = (
        f"valid {_day(one.begins)} to {_day(one.ends)}\n",
        f"valid for {_days(max(one.ahead, timedelta()))} more\n",
    )
    mend = {
        BY_ITSELF: f"on {target}: see why the kubelet does not renew it (journalctl -u kubelet, kubectl get csr)",
        UNCHECKED: f"on {target}: remove {one.path} and restart the kubelet, which makes another one",
    }.get(one.how, "renew it (kubeadm certs renew, or as it was issued)")
    what = f"{one.what} certificate {one.path}"
    yield found(
        world, Code.CERTIFICATE_ENDS, target, NAME, what, text,
        before=before, after=after, mend=mend, severity=severity,
    )  # fmt: skip


def _text(one: Found, now: datetime) -> tuple[str, bool]:
    """What is wrong, and whether it cannot wait: 7 days of the 30, in proportion for one that lives for days."""
    if now < one.begins:
        return f"is not valid before {_day(one.begins)}; the host's clock says {_day(now)}", True
    if now >= one.ends:
        return f"ended {_days(now - one.ends)} ago", True
    return f"ends in {_days(one.ends - now)}", one.ends - now <= one.ahead * 7 / 30


def _days(span: timedelta) -> str:
    hours = span.total_seconds() / 3600
    number, unit = (hours / 24, "day") if hours >= 48 else (hours, "hour")
    return f"{number:.0f} {unit}{'' if round(number) == 1 else 's'}"


def _day(moment: datetime) -> str:
    return f"{moment:%Y-%m-%dT%H:%M:%SZ}"


WATCH = Watch(NAME, hosts=("kube_control_plane", "kube_node"), probes=probes, on_host=on_host)
