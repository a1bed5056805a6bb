"""Judging: what was answered as problems. What is unknown is one too, under a code of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import UTC, datetime
from functools import partial

from k8snet_provision.change import CLUSTER
from k8snet_provision.plan import Plan
from k8snet_provision.preflight import certificates, clocks, health, ingress, nodes, space, workloads
from k8snet_provision.preflight.asking import Answered
from k8snet_provision.preflight.certificates import SERVING, Found
from k8snet_provision.preflight.clocks import Offset
from k8snet_provision.preflight.codes import Code
from k8snet_provision.problems import Problem
from k8snet_provision.resources.probe import HostSeen, Unknown
from k8snet_provision.topology import Cluster


def unreached(host: str, why: str) -> Problem:
    text = "the host cannot be asked before it is changed"
    return Problem(Code.UNREACHED, text, host, why, hint="bring it back, or leave it out with --limit")


def of_hosts(answers: Mapping[str, Answered], cluster: Cluster, loads: Mapping[str, space.Load]) -> Iterator[Problem]:
    yield from (unreached(host, answer.why) for host, answer in answers.items() if answer.why)
    seen = {host: answer for host, answer in answers.items() if not answer.why}
    yield from _clocks(seen, cluster)
    now = datetime.now(UTC)
    for host, answer in seen.items():
        yield from _or_unknown(Code.SPACE_UNKNOWN, partial(_space, answer.seen, loads[host]))
        is_control_plane = host in cluster.control_planes
        yield from _or_unknown(Code.CERTIFICATES_UNKNOWN, partial(_certificates, answer.seen, is_control_plane, now))
    yield from _control_planes([seen[host].seen for host in cluster.control_planes if host in seen], cluster)


def of_cluster(seen: HostSeen, cluster: Cluster, plan: Plan) -> Iterator[Problem]:
    silenced: Mapping[str, int] = {}
    try:
        found, silenced = nodes.read(seen), nodes.silenced(seen)
        yield from nodes.problems(found, cluster.addresses)
    except Unknown as unknown:
        yield _unknown(Code.CLUSTER_UNKNOWN, unknown)
    yield from _or_unknown(Code.CLUSTER_UNKNOWN, partial(_workloads, seen, cluster, plan, silenced))


def _clocks(answers: Mapping[str, Answered], cluster: Cluster) -> Iterator[Problem]:
    offsets: dict[str, Offset] = {}
    for host, answer in answers.items():
        try:
            offsets[host] = clocks.read(answer.seen, answer.sent, answer.at)
        except Unknown as unknown:
            yield _unknown(Code.CLOCK_UNKNOWN, unknown)
    yield from clocks.problems(offsets, cluster.control_planes)


def _space(seen: HostSeen, load: space.Load) -> Iterable[Problem]:
    return space.problems(seen.host, space.read(seen), load)


def _certificates(seen: HostSeen, control_plane: bool, now: datetime) -> Iterator[Problem]:
    found, unknown = certificates.read(seen)
    yield from (_unknown(Code.CERTIFICATES_UNKNOWN, one) for one in unknown)
    yield from certificates.problems(seen.host, found, now)
    if control_plane and not (unknown or _serving(found)):
        raise Unknown(seen.host, "certificates", "no kube-apiserver runs whose certificates could be found")


def _serving(found: Iterable[Found]) -> bool:
    return any(one.what == SERVING for one in found)


def _control_planes(seen: Iterable[HostSeen], cluster: Cluster) -> Iterator[Problem]:
    answers: list[health.Answer] = []
    for host in seen:
        yield from _or_unknown(Code.CONTROL_PLANE_UNKNOWN, partial(health.apiserver_problems, host))
        try:
            answers += health.answers(host)
        except Unknown as unknown:
            yield _unknown(Code.CONTROL_PLANE_UNKNOWN, unknown)
    if nobody := health.silent(answers):
        yield _unknown(Code.CONTROL_PLANE_UNKNOWN, nobody)
    yield from health.etcd_problems(answers, cluster.addresses)


def _workloads(seen: HostSeen, cluster: Cluster, plan: Plan, silenced: Mapping[str, int]) -> Iterator[Problem]:
    found = workloads.read(seen)
    wanted = cluster.topology.ingress
    concerned = workloads.NAMESPACES | workloads.touched(plan.changes) | ({wanted.namespace} if wanted else set())
    yield from workloads.problems(found, concerned, silenced)
    if wanted and (again := ingress.renewed(plan.changes, wanted)):
        yield from ingress.problems(found, again, ingress.hosts(seen, wanted))


def _or_unknown(code: Code, judge: Callable[[], Iterable[Problem]]) -> Iterator[Problem]:
    try:
        yield from judge()
    except Unknown as unknown:
        yield _unknown(code, unknown)


def _unknown(code: Code, unknown: Unknown) -> Problem:
    hint = f"see to it that it can be read, or give --skip {code}"
    what = unknown.what.removeprefix("preflight:")
    return Problem(code, f"not known: {what}", unknown.target or CLUSTER, unknown.why, "an answer", hint)
