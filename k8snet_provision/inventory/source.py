"""One file of an inventory to values: read, opened if vaulted, decoded, parsed."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from k8snet_provision.inventory.documents import read_yaml
from k8snet_provision.inventory.files import decode, read_bytes
from k8snet_provision.inventory.json_document import read_json
from k8snet_provision.inventory.values import Secret, with_secrets
from k8snet_provision.inventory.vault import HEADER, Vault
from k8snet_provision.problems import Origin, Problem, ProblemsFound


class Sources:
    """Reads files with one vault; what they say is collected in `problems`."""

    def __init__(self, vault: Vault, problems: list[Problem]) -> None:
        self.vault = vault
        self.problems = problems

    def text(self, path: Path) -> tuple[str, bool]:
        """The text of a file, and whether the file was vaulted as a whole; raises ProblemsFound."""
        text = decode(read_bytes(path), path)
        if not text.startswith(HEADER):
            return text, False
        return self.vault.decrypt(text, Origin(str(path), 1)), True

    def values(self, path: Path) -> Any:
        """The document in a YAML or JSON file; strings of a vaulted file are Secret. Raises ProblemsFound."""
        return self.document(path, *self.text(path))

    def document(self, path: Path, text: str, vaulted: bool) -> Any:
        """The document in `text`, which was read from `path`; raises ProblemsFound."""
        read = read_json if _is_json(path, text) else read_yaml
        value = read(text, str(path), self._vaulted_value, self.problems)
        return with_secrets(value, everything=vaulted)

    def _vaulted_value(self, armoured: str, where: Origin) -> Any:
        if self.vault.stays_closed:
            return Secret("", armoured)
        try:
            return Secret(self.vault.decrypt(armoured, where), armoured)
        except ProblemsFound as found:
            self.problems += found.problems
            return Secret("", armoured)


def _is_json(path: Path, text: str) -> bool:
    """Whether to read a text as JSON: Ansible tries that first with every file, and YAML when it fails."""
    if text.lstrip()[:1] not in ("{", "["):
        return False
    try:
        json.loads(text)
    except ValueError:
        return path.suffix == ".json" and '"' in text.lstrip()[1:].lstrip()[:1]
    except RecursionError:
        return True
    return True
