"""Decides whether the key a host presents is the one the operator trusts. Nothing is ever asked or stored."""

from __future__ import annotations

import shlex
from dataclasses import dataclass

import paramiko

from k8snet_provision.engine.known_hosts import KnownKey, fingerprint, host_name, read_known_hosts
from k8snet_provision.engine.script import CannotReach


@dataclass(frozen=True)
class HostKeyPolicy:
    """The known_hosts file to obey. `strict` off accepts any key, as the inventory must say explicitly."""

    known_hosts: str | None
    strict: bool = True

    def known(self, address: str, port: int) -> tuple[KnownKey, ...]:
        """Keys known for the address, empty where there is no file."""
        return read_known_hosts(self.known_hosts).keys_of(host_name(address, port)) if self.known_hosts else ()

    def prefer(self, transport: paramiko.Transport, address: str, port: int) -> None:
        """Asks the host for a kind of key that is known, so that a second key of the host is no change."""
        kinds = [kind for key in self.known(address, port) for kind in _signatures(key.kind)]
        options = transport.get_security_options()
        offered = list(options.key_types)
        options.key_types = sorted(offered, key=lambda kind: kind not in kinds)

    def check(self, address: str, port: int, key: paramiko.PKey) -> None:
        """Returns when the key is trusted; raises CannotReach for a revoked, changed or unknown key."""
        known = self.known(address, port)
        revoked = [entry for entry in known if entry.marker == "@revoked" and entry.blob == key.asbytes()]
        if revoked:
            raise CannotReach(f"the host key of {address} is revoked ({self.known_hosts}:{revoked[0].line})")
        trusted = [entry for entry in known if not entry.marker]
        if not self.strict or any(entry.blob == key.asbytes() for entry in trusted):
            return
        raise self._changed(address, port, key, trusted) if trusted else self._unknown(address, port, key)

    def _changed(self, address: str, port: int, key: paramiko.PKey, known: list[KnownKey]) -> CannotReach:
        same_kind = [entry for entry in known if entry.kind == key.get_name()] or known
        entry = same_kind[0]
        return CannotReach(
            f"the host key of {address} has changed: it presents {key.get_name()} {fingerprint(key.asbytes())}, "
            f"{self.known_hosts}:{entry.line} has {entry.kind} {fingerprint(entry.blob)}",
            "someone may be listening in; if the host was reinstalled, remove the old key: "
            f"ssh-keygen -f {shlex.quote(str(self.known_hosts))} -R {shlex.quote(host_name(address, port))}",
        )

    def _unknown(self, address: str, port: int, key: paramiko.PKey) -> CannotReach:
        where = f"not in {self.known_hosts}" if self.known_hosts else "unknown: no known_hosts file is configured"
        return CannotReach(
            f"the host key of {host_name(address, port)} is {where} "
            f"(it presents {key.get_name()} {fingerprint(key.asbytes())})",
            f"compare the fingerprint on the host's console, then add the line that "
            f"`ssh-keyscan -p {port} {shlex.quote(address)}` prints",
        )


def _signatures(kind: str) -> tuple[str, ...]:
    """An RSA key signs under three names; the other kinds under their own (RFC 8332)."""
    return ("rsa-sha2-512", "rsa-sha2-256", "ssh-rsa") if kind == "ssh-rsa" else (kind,)
