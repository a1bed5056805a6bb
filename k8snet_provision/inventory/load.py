"""From a path to an Inventory: read every file, settle the groups, merge the variables, report all problems."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from k8snet_provision.inventory import ini_source, yaml_source
from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.draft import Draft
from k8snet_provision.inventory.files import inventory_files, is_directory, refuse_program
from k8snet_provision.inventory.merge import merged
from k8snet_provision.inventory.model import Inventory
from k8snet_provision.inventory.source import Sources
from k8snet_provision.inventory.variables import Variables
from k8snet_provision.inventory.vault import Vault, VaultPassword
from k8snet_provision.problems import Origin, Problem, ProblemsFound, Severity


def load(
    path: Path, *, extra_vars: Mapping[str, Any] = {}, vault_passwords: Sequence[VaultPassword] | None = ()
) -> Inventory:
    """Reads an inventory directory or a single inventory file as Ansible does; `extra_vars` win over everything.

    With `vault_passwords=None` vaulted values stay closed, which is enough for a listing; a file that is
    vaulted as a whole needs its password all the same. Raises ProblemsFound with every K8N0xx problem when
    one of them is an error; warnings alone come back as `Inventory.warnings`.
    """
    where = Origin(str(path))
    draft = Draft(where)
    sources = Sources(Vault(vault_passwords), draft.problems)
    folder = path if is_directory(path) else path.parent
    files = list(inventory_files(path))
    for file in files:
        _read_file(draft, sources, file)
    draft.settle()
    if not draft.hosts and not _errors(draft.problems):
        hint = "write hosts.yml: `all: {hosts: {NAME: {ansible_host: ADDRESS}}}`"
        draft.problem(Code.NO_HOSTS, "names no host", where, hint=hint)
    variables = Variables(folder, sources)
    hosts, groups = merged(draft, variables, extra_vars)
    if _errors(draft.problems):
        raise ProblemsFound(dict.fromkeys(draft.problems))
    return Inventory(path, hosts, groups, tuple(dict.fromkeys(draft.problems)))


def _errors(problems: Sequence[Problem]) -> bool:
    return any(problem.severity is Severity.ERROR for problem in problems)


def _read_file(draft: Draft, sources: Sources, file: Path) -> None:
    draft.source = file
    try:
        refuse_program(file)
        text, vaulted = sources.text(file)
        if yaml_source.is_yaml(file, text):
            content = sources.document(file, text, vaulted)
            yaml_source.read_groups(draft, content, Origin(str(file)))
        else:
            ini_source.read_lines(draft, text, str(file))
    except ProblemsFound as found:
        draft.problems += found.problems
