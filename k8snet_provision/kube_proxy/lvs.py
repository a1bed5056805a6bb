"""keepalived's virtual servers: kube-proxy's clean-up flushes all of IPVS, and theirs with it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from k8snet_provision.change import Change, Kind
from k8snet_provision.problems import Problem
from k8snet_provision.resources.probe import HostSeen, Probe

FLUSHES_LVS = "K8N256"

_PROBE = Probe(
    "kube-proxy:lvs",
    """
running=
for p in /proc/[0-9]*/comm; do
  IFS= read -r name <"$p" 2>/dev/null
  [ "$name" = keepalived ] && running=yes && break
done
[ "$running" ] || exit 4
grep -rlE '^[[:space:]]*virtual_server([[:space:]]|_group)' /etc/keepalived 2>/dev/null || exit 4
""",
)


def probe() -> Probe:
    return _PROBE


def would_flush(seen: HostSeen, mode: str, changes: Iterable[Change]) -> Iterator[Problem]:
    """The reason not to make `changes`: a clean-up, or a start in nftables mode, which begins with one."""
    files = (seen.text(_PROBE) or "").split()
    flushes = [c for c in changes if c.kind is Kind.RULES or mode == "nftables"]
    if files and flushes:
        yield Problem(
            FLUSHES_LVS,
            "kube-proxy would flush keepalived's virtual servers, because its clean-up empties all of IPVS",
            seen.host,
            f"virtual_server in {', '.join(files)} of a running keepalived",
            "no LVS on a host that runs kube-proxy",
            "move keepalived's virtual servers to a load balancer host, or keep kube-proxy's mode here",
        )
