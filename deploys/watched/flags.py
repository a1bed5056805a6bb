"""Flags of running programs that are not those of their files: whoever changed the files never restarted them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

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


def probes(cluster: Cluster, host: str) -> Iterator[Probe]:
    for name in _units(cluster).values():
        yield unit.probe(name)
    if host in cluster.control_planes:
        yield from control_plane.probes(cluster)


def _units(cluster: Cluster) -> dict[str, str]:
    units = cluster.topology.control_plane.units
    return {kubelet.NAME: units.kubelet, KUBE_PROXY: units.kube_proxy}


def on_host(world: World, host: str) -> Iterator[Finding]:
    """What does not run at all is told where it is looked after."""
    if host in world.cluster.control_planes:
        for program in control_plane.read(world, host).programs:
            yield from _of_control_plane(world, host, program)
    seen = world.host(host)
    for name, unit_name in _units(world.cluster).items():
        there = unit.read(seen, unit_name)
        if there and there.argv and there.files:
            program = Program(name, "systemd", unit_name, there.files, there.argv)
            try:
                yield from _finding(world, host, program, name, ())
            except EditRefused as refused:
                raise Unknown(host, f"{name}'s flags in its files", str(refused)) from None


def _of_control_plane(world: World, host: str, program: Program) -> Iterator[Finding]:
    """Without the flags that the topology manages: of those the plan tells, and of files that cannot be read."""
    try:
        managed = kube_apiserver.wanted_flags(world, program)
        yield from _finding(world, host, program, kube_apiserver.NAME, managed)
    except EditRefused:
        return


def _finding(world: World, host: str, program: Program, capability: str, managed: Iterable[str]) -> Iterator[Finding]:
    if not program.argv:
        return
    running, written = program.all_running(), program.all_defined()
    names = [name for name in differing(running, written) if name not in managed]
    if names:
        what, text = f"flags of {program.name}", "as it runs are not those of its files: it was not started anew since"
        before, after = _lines(running, names), _lines(written, names)
        mend = _mend(host, program)
        yield found(world, Code.FLAGS, host, capability, what, text, before=before, after=after, mend=mend)


def _lines(flags: Flags, names: Iterable[str]) -> str:
    return "".join(f"--{name}={value}\n" for name in names for value in flags.get(name, ()))


def _mend(host: str, program: Program) -> str:
    if program.kind == "systemd":
        return f"on {host}: systemctl restart {program.unit}"
    return f"on {host}: see why the kubelet does not start the pod anew (journalctl -u {program.unit})"


WATCH = Watch("flags", hosts=("kube_control_plane", "kube_node"), probes=probes, on_host=on_host)
