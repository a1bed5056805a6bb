"""Flags of running programs that are not those of their files: whoever changed the files never restarted them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import suppress

from deploys import control_plane, kube_apiserver, kubelet
from deploys.control_plane import Program
from deploys.watched.found import found
from k8snet_provision.drift import Code, Finding, Watch
from k8snet_provision.edits.flag_words import Flags, differing
from k8snet_provision.edits.refused import EditRefused
from k8snet_provision.resources import unit
from k8snet_provision.resources.probe import Probe, Unknown
from k8snet_provision.seen import World
from k8snet_provision.topology import Cluster

KUBE_PROXY = "kube-proxy"


def control_plane_probes(cluster: Cluster, host: str) -> Iterable[Probe]:
    return control_plane.probes(cluster)


def of_control_plane(world: World, host: str) -> Iterator[Finding]:
    """Without the flags that the topology manages: of those the plan tells, and of files that cannot be read.

    What does not run at all is told where it is looked after, here and below.
    """
    for program in control_plane.read(world, host).programs:
        with suppress(EditRefused):
            managed = kube_apiserver.wanted_flags(world, program)
            yield from _finding(world, host, program, kube_apiserver.NAME, managed)


def files_of_control_plane(world: World, finding: Finding) -> Iterator[str]:
    if finding.code == Code.FLAGS:
        for program in control_plane.read(world, finding.target).programs:
            if finding.what == _what(program.name):
                yield from (file.path for file in program.files)


def of_unit(name: str) -> Watch:
    """The watch of a program that is a unit, where it is one."""

    def unit_name(cluster: Cluster) -> str:
        units = cluster.topology.control_plane.units
        return {kubelet.NAME: units.kubelet, KUBE_PROXY: units.kube_proxy}[name]

    def probes(cluster: Cluster, host: str) -> Iterator[Probe]:
        yield unit.probe(unit_name(cluster))

    def on_host(world: World, host: str) -> Iterator[Finding]:
        there = unit.read(world.host(host), unit_name(world.cluster))
        if there and there.argv and there.files:
            program = Program(name, "systemd", there.name, there.files, there.argv)
            try:
                yield from _finding(world, host, program, name, ())
            except EditRefused as refused:
                raise Unknown(host, f"{name}'s flags in its files", str(refused)) from None

    def files(world: World, finding: Finding) -> Iterator[str]:
        there = unit.read(world.host(finding.target), unit_name(world.cluster)) if finding.what == _what(name) else None
        yield from (file.path for file in (there.files if there else ()))

    return Watch(name, hosts=("kube_node", "kube_control_plane"), probes=probes, on_host=on_host, files=files)


def _what(program: str) -> str:
    return f"flags of {program}"


def _finding(world: World, host: str, program: Program, capability: str, managed: Iterable[str]) -> Iterator[Finding]:
    if not program.argv:
        return
    running, written = program.all_running(), program.all_defined()
    names = [name for name in differing(running, written) if name not in managed]
    if names:
        what, text = _what(program.name), "as it runs are not those of its files: it was not started anew since"
        before, after = _lines(running, names), _lines(written, names)
        mend = _mend(host, program)
        yield found(world, Code.FLAGS, host, capability, what, text, before=before, after=after, mend=mend)


def _lines(flags: Flags, names: Iterable[str]) -> str:
    return "".join(f"--{name}={value}\n" for name in names for value in flags.get(name, ()))


def _mend(host: str, program: Program) -> str:
    if program.kind == "systemd":
        return f"on {host}: systemctl restart {program.unit}"
    return f"on {host}: see why the kubelet does not start the pod anew (journalctl -u {program.unit})"


WATCHES = (
    Watch(
        kube_apiserver.NAME,
        hosts=("kube_control_plane",),
        probes=control_plane_probes,
        on_host=of_control_plane,
        files=files_of_control_plane,
    ),
    of_unit(kubelet.NAME),
    of_unit(KUBE_PROXY),
)
