"""K8N46x and K8N47x: why a run is not begun although its plan could be made."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from enum import StrEnum
from types import MappingProxyType

from k8snet_provision.problems import Problem, ProblemsFound


class Code(StrEnum):
    """The number is stable: operators and CI filters search for it. A comment says when it is given."""

    NOT_SKIPPABLE = "K8N460"  # --skip names something else than a check that can be left out
    CLOCK_AWAY = "K8N461"  # a host's clock differs from the operator's
    CLOCKS_APART = "K8N462"  # two control planes' clocks differ
    NO_SPACE = "K8N463"  # too little space where the plan writes, or a file system that cannot be written
    NO_INODES = "K8N464"  # too few inodes there
    EXPIRED = "K8N465"  # a certificate is not valid now
    EXPIRES = "K8N466"  # a certificate ends soon
    APISERVER = "K8N467"  # an API server is not ready
    ETCD = "K8N468"  # a member of etcd is not healthy
    NODE_NOT_READY = "K8N469"  # a node is not Ready
    ROLLING = "K8N470"  # a workload has not all of its pods as they should be
    CORDONED = "K8N471"  # a node takes no new pods: a warning
    ONE_CONTROLLER = "K8N472"  # the plan takes the only ingress controller away for a while: a warning
    UNREACHED = "K8N473"  # a host cannot be asked
    CLOCK_UNKNOWN = "K8N474"
    SPACE_UNKNOWN = "K8N475"
    CERTIFICATES_UNKNOWN = "K8N476"
    CONTROL_PLANE_UNKNOWN = "K8N477"  # API server or etcd
    CLUSTER_UNKNOWN = "K8N478"  # nodes, workloads or ingress controllers


SKIPPABLE: Mapping[str, str] = MappingProxyType(
    {
        Code.CLOCK_AWAY: "a host's clock differs from this machine's",
        Code.CLOCKS_APART: "two control planes' clocks differ",
        Code.NO_SPACE: "too little space where the plan writes",
        Code.NO_INODES: "too few inodes where the plan writes",
        Code.EXPIRED: "a certificate is not valid now",
        Code.EXPIRES: "a certificate ends soon",
        Code.APISERVER: "an API server is not ready",
        Code.ETCD: "a member of etcd is not healthy",
        Code.NODE_NOT_READY: "a node is not Ready",
        Code.ROLLING: "a roll-out is in progress",
        Code.CLOCK_UNKNOWN: "a clock could not be read",
        Code.SPACE_UNKNOWN: "free space could not be read",
        Code.CERTIFICATES_UNKNOWN: "a certificate could not be read",
        Code.CONTROL_PLANE_UNKNOWN: "API server or etcd could not be asked",
        Code.CLUSTER_UNKNOWN: "nodes or workloads could not be read",
    }
)
"""What --skip may leave out, and what that is."""


def unskippable(skip: Collection[str], known: Mapping[str, str] = SKIPPABLE) -> list[Problem]:
    """The words given to --skip that are no code, or one that cannot be left out."""
    said = ", ".join(f"{code} ({text})" for code, text in known.items())
    text = "--skip names what cannot be skipped"
    wrong = [code for code in skip if code not in known]
    return [Problem(Code.NOT_SKIPPABLE, text, "command line", code, hint=f"these can: {said}") for code in wrong]


def refuse_unskippable(skip: Collection[str]) -> None:
    """Raises ProblemsFound where `skip` names what no check here leaves out."""
    if wrong := unskippable(skip):
        raise ProblemsFound(wrong)
