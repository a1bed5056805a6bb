"""What a mode of kube-proxy needs of the kernel and of the host's programs.

Sources: kube-proxy's own checks (CanUseIPVSProxier; knftables), KEP-3866 for the nftables mode's kernel.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from k8snet_provision.problems import Problem
from k8snet_provision.resources import module, sysctl
from k8snet_provision.resources.probe import HostSeen, Probe

NO_IPVS, NO_NFTABLES, NO_PROGRAM = "K8N253", "K8N254", "K8N255"

OLDEST_FOR_NFTABLES = (5, 13)

IPVS_MODULES = ("ip_vs", "ip_vs_rr", "ip_vs_wrr", "ip_vs_sh", "nf_conntrack", "dummy")
"""`dummy` carries kube-ipvs0, the link that holds every ClusterIP."""

PROGRAMS = {"iptables": ("iptables",), "ipvs": ("iptables", "ipset"), "nftables": ("nft",)}
"""Programs that kube-proxy calls; its image brings its own, a systemd unit uses the host's."""

_RELEASE = "kernel.osrelease"
_SBIN = "PATH=$PATH:/usr/sbin:/sbin"  # not on every user's PATH, and programs of these modes are there
_NFT = Probe(
    "kube-proxy:nft",
    f"""{_SBIN}; command -v nft >/dev/null || exit 4
why=$(nft list tables 2>&1 >/dev/null) && echo usable || printf '%s\\n' "$why" """,
)


def modules(mode: str, scheduler: str | None) -> tuple[str, ...]:
    """The modules a mode needs, with the scheduler's own."""
    if mode == "ipvs":
        return tuple(dict.fromkeys((*IPVS_MODULES, f"ip_vs_{scheduler or 'rr'}")))
    return ("nf_tables",) if mode == "nftables" else ()


def probes(mode: str, scheduler: str | None) -> Iterator[Probe]:
    yield sysctl.probe(_RELEASE)
    yield _NFT
    for name in modules(mode, scheduler):
        yield module.probe(name)
    for name in PROGRAMS[mode]:
        yield Probe(f"program:{name}", f"{_SBIN}; command -v {name} || exit 4")


def problems(seen: HostSeen, mode: str, scheduler: str | None, in_container: bool) -> Iterator[Problem]:
    """Why this host cannot run the mode; raises Unknown where it could not be looked at."""
    if mode == "ipvs":
        yield from _ipvs(seen, scheduler)
    elif mode == "nftables":
        yield from _nftables(seen)
    if not in_container:
        yield from _programs(seen, PROGRAMS[mode])


def _ipvs(seen: HostSeen, scheduler: str | None) -> Iterator[Problem]:
    missing = [name for name in modules("ipvs", scheduler) if module.read(seen, name) == "missing"]
    if missing:
        yield Problem(
            NO_IPVS,
            "kube-proxy cannot run in ipvs mode: the kernel lacks what it needs",
            seen.host,
            f"Linux {release(seen)} without {', '.join(missing)}",
            f"the modules {', '.join(modules('ipvs', scheduler))}",
            "choose kube_proxy.mode nftables (or iptables), or install the kernel's full set of modules",
        )


def _nftables(seen: HostSeen) -> Iterator[Problem]:
    hint = "choose kube_proxy.mode iptables for this cluster, or upgrade the host's kernel"
    found = release(seen)
    if version(found) < OLDEST_FOR_NFTABLES:
        text = "kube-proxy cannot run in nftables mode: the kernel is too old"
        yield Problem(NO_NFTABLES, text, seen.host, f"Linux {found}", "Linux 5.13 or newer (KEP-3866)", hint)
        return
    answer = (seen.text(_NFT) or "").strip()
    if not answer and module.read(seen, "nf_tables") == "missing":
        text = "kube-proxy cannot run in nftables mode: the kernel has no nf_tables"
        yield Problem(NO_NFTABLES, text, seen.host, f"Linux {found} without nf_tables", "the module nf_tables", hint)
    elif answer not in ("", "usable"):
        text = "kube-proxy cannot run in nftables mode: nft cannot be used here"
        yield Problem(NO_NFTABLES, text, seen.host, answer.splitlines()[0], "nft list tables succeeds", hint)


def _programs(seen: HostSeen, names: Iterable[str]) -> Iterator[Problem]:
    for name in names:
        if seen.data(f"program:{name}") is None:
            yield Problem(
                NO_PROGRAM,
                "kube-proxy runs as a systemd unit and needs a program that the host lacks",
                seen.host,
                f"no {name}",
                name,
                f"install {name} on the host",
            )


def release(seen: HostSeen) -> str:
    """As `uname -r` prints it."""
    return sysctl.read(seen, _RELEASE) or ""


def version(release: str) -> tuple[int, int]:
    """Major and minor of a kernel release; (0, 0) for a text that begins with no version."""
    found = re.match(r"(\d+)\.(\d+)", release)
    return (int(found[1]), int(found[2])) if found else (0, 0)
