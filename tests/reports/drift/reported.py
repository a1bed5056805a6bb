"""Reports as a night may bring them, written out by hand."""

from __future__ import annotations

from dataclasses import replace

from k8snet_provision.change import CLUSTER
from k8snet_provision.drift import Acceptance, Accepted, Code, Finding, Place, Report, Severity
from k8snet_provision.plan import Incomplete

PICTURE = (
    Place("clients", "Clients", then=("edge",)),
    Place(
        "edge",
        "Load balancers",
        ("VIP 192.0.2.100",),
        ("lb1", "lb2"),
        whole=True,
        capabilities=("edge",),
        then=("nodes", "control-planes"),
    ),
    Place("metallb", "MetalLB", capabilities=("metallb",)),
    Place("nodes", "Nodes", (), ("w1", "w2"), whole=True, capabilities=("kubelet",), then=("ingress", "services")),
    Place("ingress", "ingress-nginx", ("2 pods",), capabilities=("ingress-nginx",), then=("services",)),
    Place("services", "Services", ("shop",), capabilities=("services",), then=("pods",)),
    Place("pods", "Pods", capabilities=("addon-pods",)),
    Place("control-planes", "Control planes", (), ("cp1", "cp2"), whole=True, capabilities=("kube-apiserver",)),
    Place("kube-proxy", "kube-proxy", (), ("cp1", "cp2", "w1", "w2"), capabilities=("kube-proxy",)),
    Place("dns", "Cluster DNS", ("10.254.0.10",), capabilities=("coredns",)),
)

MEND = "k8snet-provision apply inventory/prod --limit w1 --tags 'kube-proxy kernel'"


def finding(code: Code, severity: Severity, target: str, capability: str, what: str, **parts: str) -> Finding:
    return Finding(code, severity, "prod", target, capability, what, parts.pop("text", "is not as wanted"), **parts)


SERVER = finding(Code.EDGE_SERVER, Severity.CRITICAL, "lb1", "edge", "server http/w2", mend="look at w2")
FORWARD_1 = finding(
    Code.KERNEL, Severity.WARNING, "w1", "hosts", "sysctl net.ipv4.ip_forward", before="0", after="1", mend=MEND
)
FORWARD_2 = replace(FORWARD_1, target="cp1", since="2026-11-26T02:00:00Z", who="alice, 2026-11-25")
MODE = finding(
    Code.PROXY_MODE, Severity.CRITICAL, "w1", "kube-proxy", "kube-proxy's mode", before="iptables", after="nftables"
)
COREFILE = finding(
    Code.OBJECT,
    Severity.INFO,
    CLUSTER,
    "coredns",
    "object ConfigMap kube-system/coredns",
    before=f"data:\n  Corefile: {'x' * 300}\n",
    after="data:\n  Corefile: y\n",
)
EXCUSED = finding(Code.CERTIFICATE_ENDS, Severity.WARNING, "cp1", "kube-apiserver", "certificate apiserver.crt")
ALL = {"server": SERVER, "forward1": FORWARD_1, "forward2": FORWARD_2, "mode": MODE, "corefile": COREFILE}
ALL |= {"excused": EXCUSED}

REPORT = Report(
    cluster="prod",
    inventory="inventory/prod",
    started="2026-11-29T02:00:00Z",
    seconds=3.42,
    tool="0.1.0 (0)",
    facts={"kubernetes": "v1.36.3"},
    hosts=("cp1", "cp2", "w1", "w2", "lb1", "lb2"),
    cluster_looked_at=True,
    findings=(COREFILE, FORWARD_1, FORWARD_2, SERVER, MODE),
    accepted=(Accepted(EXCUSED, Acceptance(EXCUSED.fingerprint, "2026-12-31", "renewed with CHG-4711", "alice")),),
    incomplete=(Incomplete("w2", "host", "no answer within 10 s"),),
    notices=("keepalived of lb2 is old",),
    picture=PICTURE,
    looked_at={
        "edge": ("lb1", "lb2"),
        "kubelet": ("w1", "w2"),
        "hosts": ("cp1", "w1"),
        **dict.fromkeys(("ingress-nginx", "services", "kube-apiserver", "kube-proxy", "coredns"), (CLUSTER,)),
    },
    last_complete="2026-11-28T02:00:00Z",
)

STAGING = replace(REPORT, cluster="staging", findings=(), accepted=(), incomplete=(), notices=())


def fleet(hosts: int, *, alike: bool) -> Report:
    """Four findings on each of many hosts."""
    names = tuple(f"n{number}" for number in range(1, hosts + 1))
    picture = tuple(replace(place, hosts=names) if place.name == "nodes" else place for place in PICTURE)
    findings = tuple(
        replace(FORWARD_1, target=name, what=f"sysctl net.{number}", before="0" if alike else f"{name}\nx\n")
        for name in names
        for number in range(4)
    )
    return replace(REPORT, hosts=names, picture=picture, findings=findings)
