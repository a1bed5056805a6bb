"""Ansible Vault, reading only: `$ANSIBLE_VAULT;1.1;AES256` and 1.2 with a label.

The one library on PyPI that reads this format needs ansible-core, which this package does not run with; so
the format is read here with the primitives of `cryptography`. Format: https://docs.ansible.com/ansible/
latest/vault_guide/vault_using_encrypted_content.html, "Ansible Vault payload format 1.1 - 1.2".
"""

from __future__ import annotations

import binascii
import hashlib
import hmac
import os
import subprocess
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cryptography.hazmat.primitives import padding
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.files import read_bytes
from k8snet_provision.problems import Origin, Problem, ProblemsFound

HEADER = "$ANSIBLE_VAULT;"
_ROUNDS = 10_000
_SCRIPT_SECONDS = 60
_HINT = "give its password with --vault-password-file or ANSIBLE_VAULT_PASSWORD_FILE"


@dataclass(frozen=True)
class VaultPassword:
    """A vault password and the label it was given for; every password is tried, the label's own first."""

    secret: bytes = field(repr=False)
    label: str = "default"


def password_files(given: Sequence[Path], environ: Mapping[str, str]) -> tuple[VaultPassword, ...]:
    """The passwords in the given files, else in the one ANSIBLE_VAULT_PASSWORD_FILE names.

    A file that is executable is run, as Ansible does, and prints the password. Raises ProblemsFound.
    """
    named = environ.get("ANSIBLE_VAULT_PASSWORD_FILE", "")
    paths = given or ([Path(named).expanduser()] if named else [])
    return tuple(VaultPassword(_password(path)) for path in paths)


def _password(path: Path) -> bytes:
    content = read_bytes(path)
    if os.access(path, os.X_OK):
        content = _printed_by(path)
    if secret := content.strip(b"\r\n"):
        return secret
    raise _damaged("holds no vault password", Origin(str(path)))


def _printed_by(script: Path) -> bytes:
    where = Origin(str(script))
    try:
        done = subprocess.run([script.resolve()], stdout=subprocess.PIPE, timeout=_SCRIPT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise _damaged(f"printed no vault password within {_SCRIPT_SECONDS} s", where) from None
    except OSError as error:
        raise _damaged(f"is executable, so it is run for the password: {error.strerror}", where) from None
    if done.returncode:
        raise _damaged(f"was run for the vault password and ended with {done.returncode}", where)
    return done.stdout


class Vault:
    """Decrypts with the passwords it was made with, each ciphertext once."""

    def __init__(self, passwords: Sequence[VaultPassword] | None) -> None:
        self.stays_closed = passwords is None
        self.passwords = tuple(passwords or ())
        self._known: dict[str, str] = {}

    def decrypt(self, armoured: str, where: Origin) -> str:
        """The plain text; raises ProblemsFound when no password fits or the text is damaged."""
        if armoured not in self._known:
            self._known[armoured] = self._decrypt(armoured, where)
        return self._known[armoured]

    def _decrypt(self, armoured: str, where: Origin) -> str:
        header, _, body = armoured.strip().partition("\n")
        version, cipher, label = (*header.removeprefix(HEADER).strip().split(";"), "", "")[:3]
        if not header.startswith(HEADER) or version not in ("1.1", "1.2") or cipher != "AES256":
            raise _damaged("is not vaulted by ansible-vault", where, "$ANSIBLE_VAULT;1.1;AES256")
        payload = _payload(body, where)
        if not self.passwords:
            text = f"is vaulted{f' for {label}' if label else ''} and no vault password was given"
            raise ProblemsFound([Problem(Code.VAULT_PASSWORD, text, where, hint=_HINT)])
        for password in sorted(self.passwords, key=lambda known: known.label != label):
            plain = _opened(payload, password.secret)
            if plain is not None:
                return plain.decode("utf-8", "surrogateescape")
        text = f"is vaulted{f' for {label}' if label else ''} and no given vault password opens it"
        raise ProblemsFound([Problem(Code.VAULT_PASSWORD, text, where, hint=_HINT)])


def _payload(body: str, where: Origin) -> tuple[bytes, bytes, bytes]:
    """Salt, HMAC and ciphertext: each in hexadecimal, joined by newlines, in hexadecimal again."""
    try:
        parts = binascii.unhexlify("".join(body.split())).split(b"\n", 2)
        salt, digest, ciphertext = map(binascii.unhexlify, parts)
    except ValueError:
        raise _damaged("is vaulted and damaged", where, "what ansible-vault wrote, complete") from None
    return salt, digest, ciphertext


def _opened(payload: tuple[bytes, bytes, bytes], password: bytes) -> bytes | None:
    """None when the HMAC says that it is another password."""
    salt, digest, ciphertext = payload
    keys = hashlib.pbkdf2_hmac("sha256", password, salt, _ROUNDS, 80)
    key, mac_key, counter = keys[:32], keys[32:64], keys[64:]
    if not hmac.compare_digest(hmac.digest(mac_key, ciphertext, "sha256"), digest):
        return None
    decryptor = Cipher(algorithms.AES(key), modes.CTR(counter)).decryptor()
    unpadder = padding.PKCS7(128).unpadder()
    return unpadder.update(decryptor.update(ciphertext) + decryptor.finalize()) + unpadder.finalize()


def _damaged(text: str, where: Origin, expected: str = "") -> ProblemsFound:
    return ProblemsFound([Problem(Code.VAULT_DAMAGED, text, where, expected=expected)])
