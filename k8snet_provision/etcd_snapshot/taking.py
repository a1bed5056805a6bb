"""Takes the snapshot on the first control-plane host that can, and says why not where none can."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any

from k8snet_provision import assets
from k8snet_provision.change import CLUSTER
from k8snet_provision.edits.flag_words import effective
from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.etcd_snapshot import script
from k8snet_provision.etcd_snapshot.codes import HINTS, SKIPPABLE, TEXTS, Code
from k8snet_provision.etcd_snapshot.script import Access
from k8snet_provision.etcd_snapshot.snapshot import Member, Snapshot
from k8snet_provision.observe import Observation, compose, decode, new_boundary
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem, Severity
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.runs.mirror import MIRROR
from k8snet_provision.seen import World

PHASES = ("kube-apiserver", "service-range")
"""What a snapshot is taken before: the API server's own flags, and the range that lies in etcd."""

LOOK = 30.0
"""Seconds for the look at the running kube-apiserver."""


def needed(plan: Plan) -> bool:
    """Whether a plan changes the control plane."""
    return any(change.phase in PHASES for change in plan.changes)


def take(
    fleet: Fleet, world: World, run_id: str, skip: Collection[str] = (), runs: str = MIRROR
) -> tuple[Snapshot | None, tuple[Problem, ...]]:
    """A verified snapshot, kept as RUNS/RUN_ID/etcd.db on one control plane; older ones are limited on all of them.

    Without one: why, for each host that was asked. Problems whose code is in `skip` and in SKIPPABLE are warnings; a
    run may begin when no other is left. Hosts of the group etcd are asked first.
    """
    hosts = sorted(world.reached(world.cluster.control_planes), key=lambda host: host not in world.cluster.etcd)
    problems: list[Problem] = []
    for host in hosts:
        access = _access(fleet, world, host)
        found = _taken(fleet, access, host, run_id, runs) if isinstance(access, Access) else access
        if isinstance(found, Snapshot):
            fleet.run({other: script.pruned(runs) for other in hosts if other != host})
            return found, ()
        problems.append(found)
    problems = problems or [_problem(Code.UNREACHED, CLUSTER, "no control-plane host was reached")]
    return None, tuple(_skipped(problem, skip) for problem in problems)


def _access(fleet: Fleet, world: World, host: str) -> Access | Problem:
    """By the flags that kube-apiserver runs with at this moment."""
    control_plane = assets.deploy_module("control_plane")
    probes, boundary = list(control_plane.probes(world.cluster)), new_boundary()
    answer = fleet.run({host: Script(compose(probes, boundary), timeout=LOOK)})[host]
    if isinstance(answer, Unreachable):
        return _problem(Code.UNREACHED, host, str(answer))
    seen = Observation({host: decode(host, probes, boundary, answer.stdout)}, {})
    try:
        found = control_plane.read(replace(world, observation=seen), host)
    except Unknown as unknown:
        return _problem(Code.NO_APISERVER, host, str(unknown))
    program = found.program(control_plane.APISERVER)
    if program is None:
        return _problem(Code.NO_APISERVER, host, "; ".join(problem.text for problem in found.problems))
    return access(host, program.argv, program.unit if program.kind == "systemd" else program.files[0].path)


def access(host: str, argv: Sequence[str], apiserver: str) -> Access | Problem:
    """How a kube-apiserver of this command line reaches etcd; `apiserver` is its unit, or its manifest's path."""
    endpoints = tuple(one for one in (effective(argv, "etcd-servers") or "").split(",") if one) if argv else ()
    if not endpoints:
        found = "no --etcd-servers among its flags" if argv else "it does not run"
        return _problem(Code.NO_APISERVER, host, found)
    ca, certificate, key = (effective(argv, f"etcd-{name}") or "" for name in ("cafile", "certfile", "keyfile"))
    return Access(endpoints, ca, certificate, key, apiserver)


def _taken(fleet: Fleet, access: Access, host: str, run_id: str, runs: str) -> Snapshot | Problem:
    answer = fleet.run({host: script.taken(access, runs, run_id)})[host]
    return read(host, f"{runs}/{run_id}/etcd.db", access.apiserver, answer)


def read(host: str, path: str, apiserver: str, answer: Output | Unreachable) -> Snapshot | Problem:
    """What the script left: a snapshot, told in lines of `key value`, or why there is none."""
    if isinstance(answer, Unreachable):
        return _problem(Code.UNREACHED, host, str(answer))
    if answer.code != 0:
        return _problem(Code(script.EXITS.get(answer.code, Code.NOT_SAVED)), host, _said(answer))
    lines = answer.stdout.decode("utf-8", "replace").splitlines()
    said = dict(line.split(" ", 1) for line in lines if " " in line)
    (status,) = (one["Status"] for one in json.loads(said["status"]))
    members = json.loads(said["members"])["members"]
    snapshot = json.loads(said["snapshot"])
    return Snapshot(
        host=host,
        path=path,
        endpoint=said["endpoint"],
        version=status["version"],
        hash=snapshot["hash"],
        revision=snapshot["revision"],
        keys=snapshot["totalKey"],
        size=int(said["size"]),
        digest=said["digest"],
        member=_name(members, status["header"]["member_id"]),
        members=tuple(Member(member.get("name", ""), ",".join(member["peerURLs"])) for member in members),
        data_dir=said["data_dir"],
        static_pod=bool(said["static_pod"]),
        unit=said["unit"],
        etcdutl=said["etcdutl"],
        apiserver=apiserver,
    )


def _name(members: Iterable[Any], identity: int) -> str:
    return next((str(member.get("name", "")) for member in members if member["ID"] == identity), "")


def _said(answer: Output) -> str:
    lines = [_sentence(line) for line in answer.stderr.decode("utf-8", "replace").splitlines() if line.strip()]
    return "; ".join(lines)[-500:] or f"the script ended with status {answer.code}"


def _sentence(line: str) -> str:
    """etcdctl says some things as JSON; what went wrong is one value of it."""
    before, brace, rest = line.partition("{")
    try:
        told = json.loads(brace + rest)
        return f"{before}{told.get('error', told['msg'])}"
    except (ValueError, KeyError, AttributeError):
        return line


def _problem(code: Code, host: str, found: str) -> Problem:
    return Problem(code, TEXTS[code], host, found, hint=HINTS[code])


def _skipped(problem: Problem, skip: Collection[str]) -> Problem:
    if problem.code not in skip or problem.code not in SKIPPABLE:
        return problem
    return replace(problem, severity=Severity.WARNING, hint=f"skipped by --skip {problem.code}: there is no snapshot")
