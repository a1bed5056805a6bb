"""What is wrong with a certificate and its key: text in, findings out; none of them shows a key."""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

UNREADABLE, MISMATCH, VALIDITY, NAMES = "K8N193", "K8N194", "K8N195", "K8N196"
SOON = timedelta(days=30)
_KEY = re.compile(r"-----BEGIN ([A-Z ]*PRIVATE KEY)-----.*?-----END \1-----", re.DOTALL)


@dataclass(frozen=True)
class Fault:
    """A finding; `part` says which of the two values it is blamed on."""

    code: str
    part: Literal["certificate", "key"]
    text: str
    found: str = ""
    expected: str = ""
    hint: str = ""
    warning: bool = False


def faults(certificate: str, key: str, hosts: Sequence[str], now: datetime) -> Iterator[Fault]:
    """Everything that is wrong with a chain (leaf first) and its key, for these host names at that time."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of cryptography, about certificates that it will not read some day
        chain = _chain(certificate)
        if isinstance(chain, Fault):
            yield chain
            public = None
        else:
            yield from _order(chain)
            yield from _validity(chain, now)
            yield from _names(chain[0], hosts)
            public = _public(chain[0])
        yield from _key_faults(key, public)


def _chain(text: str) -> list[x509.Certificate] | Fault:
    try:
        return x509.load_pem_x509_certificates(text.encode())
    except ValueError:
        expected = "PEM: the certificate, then those that signed it"
        return Fault(UNREADABLE, "certificate", "the certificate cannot be read", "no certificate", expected)


def _key_faults(text: str, public: bytes | None) -> Iterator[Fault]:
    block = _KEY.search(text)
    problem = "no private key" if block is None else ""
    mine = b""
    try:
        if block is not None:
            # Testing the primes of an RSA key takes 40 ms; whether it is the certificate's is seen without.
            loaded = load_pem_private_key(block[0].encode(), None, unsafe_skip_rsa_key_validation=True)
            mine = loaded.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except TypeError:
        problem = "a key with a passphrase, which nobody types in when nginx starts"
    except (ValueError, UnsupportedAlgorithm):
        problem = "a damaged key, or one of an unknown kind"
    if problem:
        yield Fault(UNREADABLE, "key", "the key cannot be read", problem, "a private key, PEM, without a passphrase")
    elif public is not None and mine != public:
        hint = "compare `openssl x509 -noout -pubkey` with `openssl pkey -pubout`"
        yield Fault(MISMATCH, "key", "the key does not belong to the certificate", "another key", "its own key", hint)


def _public(certificate: x509.Certificate) -> bytes | None:
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except (ValueError, UnsupportedAlgorithm):
        return None


def _order(chain: list[x509.Certificate]) -> Iterator[Fault]:
    """RFC 8446 section 4.4.2: each certificate should certify the one before it."""
    for below, above in pairwise(chain):
        if not _signed(below, above):
            turned = any(_signed(below, other) for other in chain if other is not below)
            yield Fault(
                MISMATCH,
                "certificate",
                "the chain is in the wrong order" if turned else "the chain is broken",
                f"{_name(above)} after {_name(below)}",
                f"the certificate of {below.issuer.rfc4514_string()[:60]} next",
                "the host's own certificate comes first, then each one that signed the one before it",
            )
            return


def _signed(below: x509.Certificate, above: x509.Certificate) -> bool:
    try:
        below.verify_directly_issued_by(above)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm):
        return False
    return True


def _name(certificate: x509.Certificate) -> str:
    return certificate.subject.rfc4514_string()[:60] or "a certificate without a subject"


def _validity(chain: list[x509.Certificate], now: datetime) -> Iterator[Fault]:
    for item in chain:
        begin, end = item.not_valid_before_utc, item.not_valid_after_utc
        who = f"the certificate of {_name(item)}"
        if now > end:
            yield Fault(VALIDITY, "certificate", f"{who} has expired", f"{end:%Y-%m-%d %H:%M} UTC", "a later date")
        elif now < begin:
            found = f"{begin:%Y-%m-%d %H:%M} UTC"
            yield Fault(VALIDITY, "certificate", f"{who} is not valid yet", found, "an earlier date")
        elif end - now < SOON:
            text = f"{who} expires within {SOON.days} days"
            yield Fault(VALIDITY, "certificate", text, f"{end:%Y-%m-%d %H:%M} UTC", "a later date", warning=True)


def _names(leaf: x509.Certificate, hosts: Sequence[str]) -> Iterator[Fault]:
    """Clients look at subjectAltName only (RFC 9525 section 6.3)."""
    try:
        names = leaf.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        found = [name.lower() for name in names.get_values_for_type(x509.DNSName)]
    except (x509.ExtensionNotFound, ValueError):
        found = []
    missing = [host for host in hosts if not any(covers(name, host) for name in found)]
    if missing:
        yield Fault(
            NAMES,
            "certificate",
            f"the certificate is not for {', '.join(missing[:5])}",
            ", ".join(found[:5]) or "no name in subjectAltName",
            ", ".join(missing[:5]),
        )


def covers(name: str, host: str) -> bool:
    """Whether a name of a certificate stands for a host name; its `*` for exactly one label."""
    return name == host or (name.startswith("*.") and not host.startswith("*.") and name[1:] == host[host.find(".") :])
