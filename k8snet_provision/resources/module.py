"""Kernel modules: loaded (or built in), available to be loaded, or missing from this kernel."""

from __future__ import annotations

from shlex import quote

from k8snet_provision.change import Change, Kind
from k8snet_provision.resources import file, kept
from k8snet_provision.resources.probe import ABSENT_CODE, HostSeen, Probe

KEPT_IN = "/etc/modules-load.d/k8snet-provision.conf"


def probe(name: str) -> Probe:
    """modprobe -n answers for built-in modules too; /sys/module shows what is in use without /proc/modules."""
    module = quote(name)
    return Probe(
        f"module:{name}",
        f"""
[ -d /sys/module/{quote(name.replace("-", "_"))} ] && {{ echo loaded; exit 0; }}
grep -qw -- {module} /proc/modules && {{ echo loaded; exit 0; }}
modprobe -n -q -- {module} && {{ echo available; exit 0; }}
exit {ABSENT_CODE}""",
    )


def probe_kept() -> Probe:
    """What `change` asks beside the modules: the file that keeps them."""
    return file.probe(KEPT_IN)


def read(seen: HostSeen, name: str) -> str:
    """ "loaded", "available" or "missing"; raises Unknown."""
    return (seen.text(f"module:{name}") or "missing").strip()


def change(phase: str, seen: HostSeen, names: tuple[str, ...], because: str = "") -> list[Change]:
    return [
        Change(
            phase,
            seen.host,
            Kind.MODULE,
            name,
            None,
            "loaded",
            kept.sides(seen, KEPT_IN, name, name),
            because=because,
        )
        for name in names
        if read(seen, name) == "available"
    ]
