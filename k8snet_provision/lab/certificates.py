"""Certificates for the sample application's names, by an authority of the lab's own.

The authority's key is never written down: when a certificate nears its end, all are made anew.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NAMES: Mapping[str, str] = {"app": "app.lab.test", "shop": "shop.lab.test"}  # the file's name and the host's
VALID = timedelta(days=365)
RENEWED = timedelta(days=30)  # so long before the end
_CLOCKS = timedelta(hours=1)  # a client's clock may be late


def expiring(directory: Path, now: datetime) -> bool:
    """Whether a certificate or key is missing from the directory, unreadable, or less than RENEWED from its end."""
    files = [directory / f"{name}.crt" for name in ("ca", *NAMES)]
    if not all((directory / f"{name}.key").is_file() for name in NAMES):
        return True
    try:
        ends = [x509.load_pem_x509_certificate(file.read_bytes()).not_valid_after_utc for file in files]
    except (OSError, ValueError):
        return True
    return min(ends) - now < RENEWED


def make(lab: str, now: datetime) -> dict[str, bytes]:
    """ca.crt and a .crt and .key for each of NAMES, as PEM by the file's name."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"lab {lab}, {now:%Y-%m-%d}")])
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    authority = _builder(subject, subject, key, key, now).add_extension(constraints, critical=True)
    authority = authority.add_extension(_usage(signs=True), critical=True)
    made = {"ca.crt": _pem(authority, key)}
    for name, host in NAMES.items():
        own = ec.generate_private_key(ec.SECP256R1())
        made[f"{name}.crt"] = _pem(_server(host, own, subject, key, now), key)
        made[f"{name}.key"] = own.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
    return made


def _server(
    host: str,
    key: ec.EllipticCurvePrivateKey,
    issuer: x509.Name,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.CertificateBuilder:
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, host)])
    return (
        _builder(subject, issuer, key, issuer_key, now)
        .add_extension(x509.SubjectAlternativeName([x509.DNSName(host)]), critical=False)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(signs=False), critical=True)
    )


def _builder(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    now: datetime,
) -> x509.CertificateBuilder:
    issued_by = x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key())
    return (
        x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - _CLOCKS)
        .not_valid_after(now + VALID)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(issued_by, critical=False)
    )


def _usage(signs: bool) -> x509.KeyUsage:
    """An authority signs certificates, a server its handshakes."""
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(builder: x509.CertificateBuilder, key: ec.EllipticCurvePrivateKey) -> bytes:
    return builder.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)
