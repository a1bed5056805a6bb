"""The control plane's programs on one host: how they are started, with which flags, and what runs of them now."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import PurePosixPath
from typing import Literal

from k8snet_provision.edits import static_pod, systemd_unit
from k8snet_provision.edits.flag_words import Flags, FlagUse, all_values, effective
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.edits.systemd_unit import UnitFiles
from k8snet_provision.problems import Problem
from k8snet_provision.resources import file, process, unit
from k8snet_provision.resources.file import File
from k8snet_provision.resources.probe import Probe
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

Kind = Literal["systemd", "kubeadm"]

APISERVER = "kube-apiserver"
CONTROLLER_MANAGER = "kube-controller-manager"

TWO_KINDS = "K8N270"
NOT_FOUND = "K8N271"


@dataclass(frozen=True)
class Program:
    """One program on one host. `files` are those that define its command line, `argv` what runs now.

    `unit` is the unit to restart for a change to take effect: its own, or the kubelet's for a static pod.
    """

    name: str
    kind: Kind
    unit: str
    files: tuple[File, ...]
    argv: tuple[str, ...] = ()

    def running(self, flag: str) -> str | None:
        """The flag's value in the running process; None without the flag or without a process."""
        return effective(self.argv, flag) if self.argv else None

    def all_running(self) -> Flags:
        """Every flag of the running process; none where none runs."""
        return all_values(self.argv)

    def defined(self, flag: str) -> str | None:
        """The flag's value in the files; raises EditRefused where they cannot be read."""
        uses = self._uses().get(flag, [])
        return uses[-1].value if uses else None

    def all_defined(self) -> Flags:
        """Every flag in the files; raises EditRefused where they cannot be read."""
        return {name: tuple(use.value for use in uses) for name, uses in self._uses().items()}

    def _uses(self) -> dict[str, list[FlagUse]]:
        if self.kind == "systemd":
            return systemd_unit.flags(_unit_files(self))
        return static_pod.flags(_text(self.files[0]), self.name, self.files[0].path)

    def with_flags(self, wanted: Mapping[str, str]) -> Iterator[tuple[File, File]]:
        """(before, after) of each file that changes; raises EditRefused."""
        if self.kind == "systemd":
            edited = systemd_unit.with_flags(_unit_files(self), wanted)
        else:
            path = self.files[0].path
            edited = {path: static_pod.with_flags(_text(self.files[0]), self.name, wanted, path)}
        for before in self.files:
            if before.path in edited and edited[before.path] != _text(before):
                content = edited[before.path].encode("utf-8", "surrogateescape")
                yield before, replace(before, content=content)


@dataclass(frozen=True)
class ControlPlaneHost:
    """The programs found on a host, and why some were not."""

    programs: tuple[Program, ...] = ()
    problems: tuple[Problem, ...] = field(default=())

    def program(self, name: str) -> Program | None:
        return next((program for program in self.programs if program.name == name), None)


def unit_name(cluster: Cluster, program: str) -> str:
    units = cluster.topology.control_plane.units
    return {APISERVER: units.kube_apiserver, CONTROLLER_MANAGER: units.kube_controller_manager}[program]


def manifest_path(cluster: Cluster, program: str) -> str:
    return str(PurePosixPath(cluster.topology.control_plane.manifests_dir) / f"{program}.yaml")


def probes(cluster: Cluster) -> Iterator[Probe]:
    for program in (APISERVER, CONTROLLER_MANAGER):
        yield unit.probe(unit_name(cluster, program))
        yield file.probe(manifest_path(cluster, program))
        yield process.probe(program)


def read(world: World, host: str) -> ControlPlaneHost:
    """What a control-plane host was seen to have; raises Unknown."""
    apiserver = _program(world, host, APISERVER)
    if isinstance(apiserver, Problem):
        return ControlPlaneHost(problems=(apiserver,))
    # A controller manager may run elsewhere; two definitions of it are a problem all the same.
    manager = _program(world, host, CONTROLLER_MANAGER)
    if isinstance(manager, Program):
        return ControlPlaneHost((apiserver, manager))
    return ControlPlaneHost((apiserver,), () if manager.code == NOT_FOUND else (manager,))


def _program(world: World, host: str, name: str) -> Program | Problem:
    cluster, seen = world.cluster, world.host(host)
    as_unit = unit.read(seen, unit_name(cluster, name))
    as_pod = file.read(seen, manifest_path(cluster, name))
    kind = cluster.topology.control_plane.kind
    if kind is None and as_unit and as_pod:
        return _two_kinds(cluster, host, name)
    if as_unit and as_unit.files and kind != "kubeadm":
        return Program(name, "systemd", as_unit.name, as_unit.files, as_unit.argv)
    if as_pod and kind != "systemd":
        kubelet = cluster.topology.control_plane.units.kubelet
        return Program(name, "kubeadm", kubelet, (as_pod,), _argv(process.read(seen, name), as_pod))
    return _not_found(cluster, host, name)


def _argv(found: Mapping[int, tuple[str, ...]], manifest: File) -> tuple[str, ...]:
    """Of several processes (clusters hosted in this one run their own) the one that is most like the manifest."""
    text = _text(manifest)
    return max(found.values(), key=lambda argv: sum(word in text for word in argv), default=())


def _two_kinds(cluster: Cluster, host: str, name: str) -> Problem:
    return Problem(
        TWO_KINDS,
        f"{name} is defined twice, as a unit and as a static pod",
        host,
        found=f"{unit_name(cluster, name)}.service and {manifest_path(cluster, name)}",
        expected="one of them",
        hint="set topology.control_plane.kind to systemd or kubeadm, or remove the one that is not used",
    )


def _not_found(cluster: Cluster, host: str, name: str) -> Problem:
    return Problem(
        NOT_FOUND,
        f"{name} is neither a unit nor a static pod on this host",
        host,
        expected=f"{unit_name(cluster, name)}.service or {manifest_path(cluster, name)}",
        hint="name its unit in topology.control_plane.units, or take the host out of kube_control_plane",
    )


def _text(found: File) -> str:
    return found.content.decode("utf-8", "surrogateescape")


def _unit_files(program: Program) -> UnitFiles:
    """systemctl names the fragment and its drop-ins; whatever else was read are environment files."""
    own = [f for f in program.files if f.path.endswith(".service") or f.path.rpartition("/")[0].endswith(".d")]
    named = {f.path for f in own}
    environment = tuple((f.path, _text(f)) for f in program.files if f.path not in named)
    return UnitFiles(program.unit, tuple((f.path, _text(f)) for f in own), environment)


__all__ = ["APISERVER", "CONTROLLER_MANAGER", "ControlPlaneHost", "EditRefused", "Program", "probes", "read"]
