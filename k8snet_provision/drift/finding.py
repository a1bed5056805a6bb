"""Finding: one thing that is not as it should be, as plain data."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import Any

from k8snet_provision.text import valid


class Severity(StrEnum):
    """The words of Prometheus' alert labels."""

    CRITICAL = "critical"
    """Requests fail, or will as soon as one more thing happens."""
    WARNING = "warning"
    INFO = "info"


@dataclass(frozen=True)
class Finding:
    """`target` is a host or CLUSTER, `capability` the phase or watch that looks after it, `what` the thing's name.

    `before` is what is there, `after` what should be, as text; None where that side is missing, both None where a
    secret is not shown. `since` is when it was first seen (RFC 3339, UTC), `who` what is known of who changed it,
    `mend` the command that would set it right, or what to look at. `identity` is what makes it the same finding
    tomorrow where `before` would not (days that are left, for one): it takes that text's place in the fingerprint.
    Bytes of a host that are no UTF-8 are written out, `\\xff`, so that every form of a report is valid.
    """

    code: str
    severity: Severity
    cluster: str
    target: str
    capability: str
    what: str
    text: str
    before: str | None = None
    after: str | None = None
    mend: str = ""
    since: str = ""
    who: str = ""
    identity: str | None = None

    def __post_init__(self) -> None:
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, str) and not value.isascii():
                object.__setattr__(self, field.name, valid(value))

    @property
    def fingerprint(self) -> str:
        """16 hexadecimal digits, the same as long as the same thing is wrong in the same way."""
        found = self.identity if self.identity is not None else self.before
        parts = (self.code, self.cluster, self.target, self.capability, self.what, found or "")
        told = "".join(f"{len(part.encode('utf-8', 'surrogateescape'))}:{part}" for part in parts)
        return hashlib.sha256(told.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def to_json(finding: Finding) -> dict[str, Any]:
    return {"fingerprint": finding.fingerprint} | vars(finding) | {"severity": str(finding.severity)}


def from_json(value: Mapping[str, Any]) -> Finding:
    """Raises KeyError, TypeError or ValueError for what is no finding."""
    fields = {key: value[key] for key in value if key != "fingerprint"}
    return Finding(**{**fields, "severity": Severity(fields["severity"])})
