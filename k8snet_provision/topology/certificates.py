"""Certificates of the operator's: PEM text, vaulted or not, or files beside the inventory."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainValidator, WithJsonSchema

from .base import Part
from .values import refuse

PEM = "-----BEGIN "


def _pem(value: Any) -> str:
    """PEM text, or the path of a file. The value itself is returned, so that a vaulted one stays marked."""
    expected = "PEM text, or a file relative to the inventory"
    if not isinstance(value, str) or not value.strip():
        raise refuse("not a certificate or key", expected)
    if not str.startswith(value, PEM) and ("\n" in str.strip(value) or "\0" in value):
        raise refuse("not a certificate or key", expected, f"PEM text begins with {PEM.strip()}")
    return value


Pem = Annotated[str, PlainValidator(_pem), WithJsonSchema({"type": "string"})]


class CertificatePair(Part):
    """A certificate with its chain, and its key. `certificates.read` gives their text."""

    certificate: Pem | None = Field(
        default=None,
        description="The certificate and its chain, PEM: text, or a file relative to the inventory.",
        examples=["tls/shop.crt"],
    )
    key: Pem | None = Field(
        default=None,
        description="Its key, PEM: vaulted text, or a file relative to the inventory.",
        examples=["tls/shop.key"],
        json_schema_extra={"writeOnly": True},
    )


@dataclass(frozen=True)
class Pair:
    """The text of both; the key is in no representation of it."""

    certificate: str
    key: str = field(repr=False)


def read(inventory: Path, pair: CertificatePair) -> Pair | None:
    """Both as PEM text; None where the pair names neither. Raises OSError or ValueError for files nobody can read."""
    if pair.certificate is None or pair.key is None:
        return None
    return Pair(_text(inventory, pair.certificate), _text(inventory, pair.key))


def _text(inventory: Path, value: str) -> str:
    plain = value.reveal() if hasattr(value, "reveal") else value
    if plain.startswith(PEM):
        return plain
    base = inventory if inventory.is_dir() else inventory.parent
    return (base / plain).read_text(encoding="ascii")
