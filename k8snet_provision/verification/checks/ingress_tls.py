"""HTTPS: each name has its own certificate, with the chain that leads to what the operator gave."""

from __future__ import annotations

import base64
from itertools import product
from shlex import quote

from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding

from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.seen import World
from k8snet_provision.topology import certificates
from k8snet_provision.verification.client import Client
from k8snet_provision.verification.cluster import said, try_kubectl
from k8snet_provision.verification.pages import Certified, published
from k8snet_provision.verification.verdict import NotAsWanted, at_once, nothing_wrong
from k8snet_provision.verification.way_in import WayIn
from k8snet_provision.verification.web import Door, NoAnswer, Request, anything, get, only


def called_for(world: World) -> bool:
    return world.topology.ingress is not None


def test_certificates(client: Client, world: World, fleet: Fleet, way: WayIn) -> None:
    """each name of an Ingress is served with its own certificate and chain, valid for the name"""
    sites = published(world, way)
    names = [item for site in sites for item in site.certified if item.given or item.secret]
    wanted = {item: _pem(world, fleet, item) for item in names}

    def fault(question: tuple[Door, Certified]) -> str:
        door, item = question
        return _fault(client, door, item.name, wanted[item])

    nothing_wrong(at_once(fault, list(product(way.doors, names))))


def test_default_certificate(client: Client, world: World, way: WayIn) -> None:
    """a name without a certificate of its own is served with the default one"""
    ingress = world.topology.ingress
    name = "no-such-host.k8snet-verify.invalid"
    given = ingress.default_certificate.certificate if ingress and ingress.default_certificate else None
    expected = _subject(_leaf(certificates.text(world.cluster.inventory.path, given))) if given else "a certificate"

    def fault(door: Door) -> str:
        try:
            found = get(client, door, Request(name, trust=anything())).certificate
        except NoAnswer as failure:
            return f"found {failure}, expected {expected}"
        return "" if given is None or _subject(found) == expected else f"found {_subject(found)}, expected {expected}"

    nothing_wrong(at_once(fault, way.doors))


def _pem(world: World, fleet: Fleet, item: Certified) -> str:
    """The certificate with its chain, as the operator gave it; else as the Secret has it, without its key."""
    if item.given:
        return certificates.text(world.cluster.inventory.path, item.given)
    namespace, _, name = item.secret.partition("/")
    asked = f"-n {quote(namespace)} get secret {quote(name)} -o jsonpath='{{.data.tls\\.crt}}'"
    answer = try_kubectl(world, fleet, asked)
    if answer.code != 0:
        raise NotAsWanted(f"{item.host}: found {said(answer)}, expected Secret {item.secret}")
    return base64.b64decode(answer.stdout).decode("ascii", "replace")


def _fault(client: Client, door: Door, name: str, pem: str) -> str:
    """With the operator's chain alone trusted, then without: to tell what was served instead."""
    expected = f"expected {_subject(_leaf(pem))}"
    try:
        served = get(client, door, Request(name, trust=only(pem))).certificate
    except NoAnswer as failure:
        return f"{name}: found {failure}{_instead(client, door, name)}, {expected}"
    return "" if served == _leaf(pem) else f"{name}: found {_subject(served)}, {expected}"


def _instead(client: Client, door: Door, name: str) -> str:
    try:
        served = get(client, door, Request(name, trust=anything())).certificate
    except NoAnswer:
        return ""
    return f" ({_subject(served)})"


def _leaf(pem: str) -> bytes:
    """DER of the first certificate."""
    try:
        return x509.load_pem_x509_certificates(pem.encode())[0].public_bytes(Encoding.DER)
    except ValueError:
        raise NotAsWanted("found no certificate in the PEM text, expected one") from None


def _subject(der: bytes) -> str:
    """What tells one certificate from another in a message."""
    found = x509.load_der_x509_certificate(der)
    return f"{found.subject.rfc4514_string() or 'a certificate'} until {found.not_valid_after_utc:%Y-%m-%d}"
