"""Kernel parameters: the live value, and the file that keeps it over a reboot."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from shlex import quote

from k8snet_provision.change import Change, Kind
from k8snet_provision.resources import file, kept
from k8snet_provision.resources.probe import ABSENT_CODE, HostSeen, Probe

KEPT_IN = "/etc/sysctl.d/90-k8snet-provision.conf"


def probe(name: str) -> Probe:
    path = "/proc/sys/" + name.replace(".", "/")
    script = f"[ -e {quote(path)} ] || exit {ABSENT_CODE}; cat {quote(path)}"
    return Probe(f"sysctl:{name}", script, parameter=path)


def probe_kept() -> Probe:
    """What `change` asks beside the values: the file that keeps them."""
    return file.probe(KEPT_IN)


def read(seen: HostSeen, name: str) -> str | None:
    """The live value with single spaces; None on a kernel without this parameter; raises Unknown."""
    text = seen.text(f"sysctl:{name}")
    return None if text is None else " ".join(text.split())


def change(phase: str, seen: HostSeen, wanted: Iterable[tuple[str, str]], because: str = "") -> Iterator[Change]:
    for name, value in wanted:
        live = read(seen, name)
        if live != value:
            details = kept.sides(seen, KEPT_IN, name, f"{name} = {value}")
            yield Change(phase, seen.host, Kind.SYSCTL, name, live, value, details, because=because)
