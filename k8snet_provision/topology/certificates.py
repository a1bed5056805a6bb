"""Certificates of the operator's: PEM text, vaulted or not, or files beside the inventory."""

from __future__ import annotations

import stat
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field, PlainSerializer, PlainValidator, WithJsonSchema

from k8snet_provision.inventory.values import Secret

from .base import Part
from .shown import PRIVATE
from .values import refuse

PEM = "-----BEGIN "
LARGEST = 512 * 1024
"""Bytes of a certificate with its chain, or of a key: a Secret of the API holds 1 MiB (core/v1, MaxSecretSize)."""


def _pem(value: Any) -> str:
    """PEM text, or the path of a file. The value itself is returned, so that a vaulted one stays marked."""
    expected = "PEM text, or a file relative to the inventory"
    if not isinstance(value, str) or not str.strip(value):
        raise refuse("not a certificate or key", expected, hidden=True)
    if not is_text(value) and (any(char in value for char in "\n\r\0") or len(value) > 4096):
        raise refuse("not a certificate or key", expected, f"PEM text begins with {PEM.strip()}", hidden=True)
    # A key that was written in plain text, or in the wrong place, is a secret from here on.
    return Secret(value) if str.__contains__(value, PRIVATE) and not isinstance(value, Secret) else value


def is_text(value: str) -> bool:
    """Whether it is PEM itself rather than the path of a file; text may stand before the first block."""
    return str.__contains__(value, PEM)


def _json(value: str) -> str:
    return "***" if isinstance(value, Secret) or is_text(value) else value


_IN_JSON = PlainSerializer(_json, return_type=str, when_used="json")
_STRING = WithJsonSchema({"type": "string"})
Pem = Annotated[str, PlainValidator(_pem), _IN_JSON, _STRING]


class CertificatePair(Part):
    """A certificate with its chain, and its key. `certificates.read` gives their text."""

    certificate: Pem | None = Field(
        default=None,
        description="The certificate and its chain, PEM: text, or a file relative to the inventory.",
        examples=[".tls/shop.crt"],
    )
    key: Pem | None = Field(
        default=None,
        description="Its key, PEM: vaulted text, or a file relative to the inventory.",
        examples=[".tls/shop.key"],
        json_schema_extra={"writeOnly": True},
        repr=False,
    )


@dataclass(frozen=True)
class Pair:
    """The text of both; it is in no representation of them."""

    certificate: str = field(repr=False)
    key: str = field(repr=False)


def read(inventory: Path, pair: CertificatePair) -> Pair | None:
    """Both as PEM text; None where the pair names neither or one only. Raises OSError or ValueError as `text` does."""
    if pair.certificate is None or pair.key is None:
        return None
    return Pair(text(inventory, pair.certificate), text(inventory, pair.key))


def text(inventory: Path, value: str) -> str:
    """The PEM text that a value is or that its file holds.

    Raises OSError for a file that cannot be read, ValueError for what is not ASCII, not PEM or larger than LARGEST;
    neither says what is in it.
    """
    plain = value.reveal() if isinstance(value, Secret) else value
    found = plain if is_text(plain) else _file(inventory, plain)
    if not found.isascii():
        raise ValueError("it holds characters that are not ASCII")
    if len(found) > LARGEST:
        raise ValueError(f"it is larger than {LARGEST} bytes")
    if not is_text(found):
        raise ValueError(f"it holds no PEM ({PEM.strip()} ...)")
    return found


def _file(inventory: Path, name: str) -> str:
    path = (inventory if inventory.is_dir() else inventory.parent) / name
    # Opening a pipe or a device might wait for ever.
    if not stat.S_ISREG(path.stat().st_mode):
        raise ValueError("it is not a regular file")
    with path.open("rb") as file:
        return file.read(LARGEST + 1).decode("utf-8", "replace")
