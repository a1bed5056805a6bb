"""How a snapshot is restored by hand, in exact commands: nothing here does it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import PurePosixPath

from k8snet_provision.engine.shell import command
from k8snet_provision.etcd_snapshot.snapshot import Snapshot

AHEAD = 1_000_000_000
"""Revisions that a restored database is put ahead, so that no client's cache holds a later one (etcd's advice)."""

BUMPS_SINCE = (3, 6)

ASIDE = "/etc/kubernetes/manifests-aside"


def restore_hint(snapshot: Snapshot) -> str:
    """The commands, host by host, with what they cost; sh but for the lines that begin with #."""
    return "\n".join(_lines(snapshot)) + "\n"


def _lines(snapshot: Snapshot) -> Iterator[str]:
    names = ", ".join(member.name for member in snapshot.members)
    yield f"# etcd snapshot {snapshot}"
    yield f"# To go back to it, as root; whatever the cluster was told since is lost. Members of etcd: {names}."
    yield "# 1. On every control plane and every member, so that nothing writes any more:"
    yield from _stop(snapshot)
    if len(snapshot.members) > 1:
        copied = snapshot.path + (f" and {snapshot.etcdutl}" if snapshot.static_pod else "")
        yield f"# 2. On every other member; then copy {copied} from {snapshot.host} to the same path there:"
        yield f"(umask 077; {command('mkdir', '-p', str(PurePosixPath(snapshot.path).parent))})"
    yield "# 3. On each member, its own line; the old data stay beside it:"
    for member in snapshot.members:
        yield f"#    {member.name}:"
        yield from _restore(snapshot, member.name, member.peers)
    yield "# 4. On every member and every control plane:"
    yield from _start(snapshot)
    yield "# 5. On every node, so that nothing works by what it remembers:"
    yield command("systemctl", "restart", "kubelet")


def _stop(snapshot: Snapshot) -> Iterator[str]:
    if units := _units(snapshot):
        yield command("systemctl", "stop", *reversed(units))
    if pods := _static_pods(snapshot):
        yield f"{command('mkdir', '-p', ASIDE)} && {command('mv', *pods, ASIDE)}"
        yield "while pgrep -x 'etcd|kube-apiserver' >/dev/null; do sleep 1; done"


def _units(snapshot: Snapshot) -> list[str]:
    """In the order in which they start."""
    apiserver = [] if "/" in snapshot.apiserver else [snapshot.apiserver]
    return [*([snapshot.unit or "etcd"] if not snapshot.static_pod else []), *apiserver]


def _static_pods(snapshot: Snapshot) -> list[str]:
    if "/" not in snapshot.apiserver:
        return []
    apiserver = PurePosixPath(snapshot.apiserver)
    return [str(apiserver), *([str(apiserver.with_name("etcd.yaml"))] if snapshot.static_pod else [])]


def _restore(snapshot: Snapshot, name: str, peers: str) -> Iterator[str]:
    data = snapshot.data_dir or "/var/lib/etcd"
    program = snapshot.etcdutl or "etcdctl"
    cluster = ",".join(f"{member.name}={url}" for member in snapshot.members for url in member.peers.split(","))
    words = [program, "snapshot", "restore", snapshot.path, "--name", name, "--initial-cluster", cluster]
    words += ["--initial-advertise-peer-urls", peers, "--data-dir", f"{data}.restored"]
    if _version(snapshot) >= BUMPS_SINCE:
        words += ["--bump-revision", str(AHEAD), "--mark-compacted"]
    yield command(*words)
    yield f"{command('chown', '-R', f'--reference={data}', f'{data}.restored')}"
    # The directory itself may be a mount point, so what it holds is moved and not the directory.
    yield command("mkdir", f"{data}.before")
    yield f"{command('mv', f'{data}/member', f'{data}.before/')}"
    yield f"{command('mv', f'{data}.restored/member', f'{data}/')}"


def _start(snapshot: Snapshot) -> Iterator[str]:
    if units := _units(snapshot):
        # An etcd that is one of several has not started before most of them have, on other hosts.
        waiting = ["--no-block"] if len(snapshot.members) > 1 else []
        yield command("systemctl", "start", *waiting, *units)
    for pod in reversed(_static_pods(snapshot)):
        path = PurePosixPath(pod)
        yield command("mv", f"{ASIDE}/{path.name}", str(path.parent))


def _version(snapshot: Snapshot) -> tuple[int, ...]:
    return tuple(int(word) for word in snapshot.version.split(".")[:2] if word.isdigit())
