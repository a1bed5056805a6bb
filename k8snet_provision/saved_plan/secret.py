"""Secret changes without their content: a digest where the content cannot be guessed from it.

A private key has at least 128 bits that nobody can guess, so a digest of what holds one gives nothing away. A digest
of a password would let whoever holds the file try passwords at leisure: such a change is in no saved plan. What is
there now needs no digest where the API server's version of the object stands for it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import re
from base64 import b64decode
from collections.abc import Iterator

from k8snet_provision.change import Change
from k8snet_provision.plan import Plan

PRIVATE_KEY = re.compile(rb"-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/=\s]{48,}")
BASE64 = re.compile(r"[A-Za-z0-9+/]{64,}={0,2}")
"""As the `data` of a Secret holds its values."""


class Guessable(Exception):
    """Raised for a secret change that cannot be bound to a file without giving the secret away; holds its key."""


def change_key(change: Change) -> str:
    """Names one change of a plan: several phases may change the same thing one after another."""
    return f"{change.phase} {change.address}"


def digests(plan: Plan) -> dict[str, str]:
    """By `change_key`; raises Guessable."""
    return {change_key(change): _digest(change) for change in plan.changes if change.secret}


def known_digests(plan: Plan) -> dict[str, str]:
    """Those of `digests` that can be made; for a run's own record, which is bound to nothing."""
    found = {}
    for change in plan.changes:
        if change.secret:
            with contextlib.suppress(Guessable):
                found[change_key(change)] = _digest(change)
    return found


def _digest(change: Change) -> str:
    version = change.details.get("before_version")
    before = version or ("" if change.before is None else change.before)
    if not (version or change.before is None or _holds_key(before)):
        raise Guessable(change_key(change))
    after = "" if change.after is None else json.dumps([change.after, change.details.get("manifest", "")])
    if change.after is not None and not _holds_key(change.after):
        raise Guessable(change_key(change))
    whole = json.dumps([before, after, change.details.get("how", "")])
    return hashlib.sha256(whole.encode()).hexdigest()


def _holds_key(text: str) -> bool:
    return any(PRIVATE_KEY.search(part) for part in _parts(text))


def _parts(text: str) -> Iterator[bytes]:
    yield text.encode("utf-8", "surrogateescape")
    for found in BASE64.findall(text):
        yield b64decode(found + "=" * (-len(found) % 4))
