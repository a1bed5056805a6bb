"""K8N7xx: what drift finds. The number is stable: monitoring and exceptions go by it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType

from k8snet_provision.drift.finding import Severity


class Code(StrEnum):
    FILE = "K8N700"
    OBJECT = "K8N701"
    UNIT = "K8N702"
    KERNEL = "K8N703"
    PACKAGE = "K8N704"
    CERTIFICATE_NAMES = "K8N705"
    NOT_RESTARTED = "K8N706"
    RULES_LEFT = "K8N707"
    WAY_IN = "K8N708"
    CANNOT_BE_MENDED = "K8N709"

    FLAGS = "K8N720"
    PROXY_MODE = "K8N721"
    SERVED_CERTIFICATE = "K8N722"
    CERTIFICATE_ENDS = "K8N723"
    SERVICE_CIDR = "K8N724"
    OUT_OF_RANGE = "K8N725"
    VIP_HOLDER = "K8N726"
    EDGE_SERVER = "K8N727"
    TAKEN_OVER = "K8N728"
    IMAGE = "K8N729"

    EXCEPTION_ENDED = "K8N740"


@dataclass(frozen=True)
class Rule:
    """What a code stands for: a title of a few words, how bad it is, one sentence on what it does to the cluster."""

    title: str
    severity: Severity
    means: str


_CRITICAL, _WARNING, _INFO = Severity.CRITICAL, Severity.WARNING, Severity.INFO

RULES: Mapping[Code, Rule] = MappingProxyType(
    {
        Code.FILE: Rule("file differs", _WARNING, "A file is not what the topology makes of it."),
        Code.OBJECT: Rule("object differs", _WARNING, "An object of the cluster is not what the topology makes of it."),
        Code.UNIT: Rule("unit differs", _CRITICAL, "A unit does not run, or will not at the next boot, as is wanted."),
        Code.KERNEL: Rule("kernel setting differs", _WARNING, "A kernel parameter or module is not as is wanted."),
        Code.PACKAGE: Rule("package missing", _CRITICAL, "A package that is needed is not installed."),
        Code.CERTIFICATE_NAMES: Rule(
            "certificate not as wanted",
            _WARNING,
            "The API server's lacks names it is called by, or the webhook's is due.",
        ),
        Code.NOT_RESTARTED: Rule(
            "works by an older definition", _WARNING, "A program or its Pods started before its definition was changed."
        ),
        Code.RULES_LEFT: Rule(
            "packet rules left behind", _WARNING, "Rules of another kube-proxy mode may still catch packets."
        ),
        Code.WAY_IN: Rule("old way in still there", _INFO, "Requests may still come in by the old pattern."),
        Code.CANNOT_BE_MENDED: Rule(
            "apply would refuse", _CRITICAL, "What is there cannot be brought to what the topology wants as it is."
        ),
        Code.FLAGS: Rule("running flags differ", _WARNING, "A process runs with other flags than its files say."),
        Code.PROXY_MODE: Rule("kube-proxy's live mode", _CRITICAL, "kube-proxy works in another mode than is wanted."),
        Code.SERVED_CERTIFICATE: Rule(
            "served certificate", _WARNING, "The API server serves another certificate than the file it was given."
        ),
        Code.CERTIFICATE_ENDS: Rule("certificate ends", _WARNING, "A certificate ends soon, or has ended."),
        Code.SERVICE_CIDR: Rule(
            "ServiceCIDR against flags", _CRITICAL, "New Services may get addresses that API servers do not agree on."
        ),
        Code.OUT_OF_RANGE: Rule(
            "Service out of range", _WARNING, "A Service has a ClusterIP that no ServiceCIDR holds."
        ),
        Code.VIP_HOLDER: Rule("VIP's holder", _CRITICAL, "The virtual address is on no host, or on several."),
        Code.EDGE_SERVER: Rule(
            "edge server down", _CRITICAL, "HAProxy sends no requests to a server that should serve."
        ),
        Code.TAKEN_OVER: Rule("field taken over", _WARNING, "Another manager owns a field that the topology manages."),
        Code.IMAGE: Rule("image", _WARNING, "A container runs another image than the one that is pinned."),
        Code.EXCEPTION_ENDED: Rule(
            "exception ended", _CRITICAL, "A known exception has ended, and what it excused is still there."
        ),
    }
)
"""Every code has its rule; a finding may be worse or better than its rule's severity."""
