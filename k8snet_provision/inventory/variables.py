"""group_vars/ and host_vars/ beside the inventory."""

from __future__ import annotations

from pathlib import Path

from k8snet_provision.inventory.codes import Code
from k8snet_provision.inventory.files import is_directory, listing, variable_files
from k8snet_provision.inventory.source import Sources
from k8snet_provision.inventory.values import Map
from k8snet_provision.inventory.yaml_source import kind
from k8snet_provision.problems import Origin, Problem, ProblemsFound, Severity


class Variables:
    """Reads the variable files of hosts and groups; a folder is listed once, so 1,000 hosts cost no 4,000 looks."""

    def __init__(self, folder: Path, sources: Sources) -> None:
        self.sources = sources
        self.groups = self._folder(folder / "group_vars")
        self.hosts = self._folder(folder / "host_vars")

    def of_group(self, name: str) -> Map:
        """The variables in group_vars for a group, of several files the last one wins."""
        return self._read(self.groups, name)

    def of_host(self, name: str) -> Map:
        """The variables in host_vars for a host, of several files the last one wins."""
        return self._read(self.hosts, name)

    def _folder(self, path: Path) -> tuple[Path, frozenset[str]]:
        try:
            if not path.is_symlink() and not path.exists():
                return path, frozenset()
            if is_directory(path):
                return path, frozenset(listing(path))
            text, where = "is not a directory, so no variables are read from it", Origin(str(path))
            self.sources.problems.append(Problem(Code.IGNORED, text, where, severity=Severity.WARNING))
        except ProblemsFound as found:
            self.sources.problems += found.problems
        return path, frozenset()

    def _read(self, folder: tuple[Path, frozenset[str]], name: str) -> Map:
        path, names = folder
        result = Map()
        if name.startswith("/") or (
            "/" not in name and not names & {name, f"{name}.yml", f"{name}.yaml", f"{name}.json"}
        ):
            return result
        try:
            files = variable_files(path, name)
        except ProblemsFound as found:
            self.sources.problems += found.problems
            return result
        for file in files:
            variables = self._file(file)
            result.update(variables)
            result.origins.update(variables.origins)
        return result

    def _file(self, file: Path) -> Map:
        try:
            content = self.sources.values(file)
        except ProblemsFound as found:
            self.sources.problems += found.problems
            return Map()
        if isinstance(content, Map) or not content:
            return content if isinstance(content, Map) else Map()
        self.sources.problems.append(
            Problem(
                Code.STRUCTURE,
                "does not hold variables",
                Origin(str(file)),
                kind(content),
                "a mapping of names to values",
            )
        )
        return Map()
