"""HAProxy's configuration: its text, and the mark by which a running HAProxy says which one it works by."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence

from k8snet_provision.edge.forwards import Forward
from k8snet_provision.templates import render
from k8snet_provision.topology.edge import Edge

PATH = "/etc/haproxy/haproxy.cfg"
UNIT = "haproxy"
STATUS_PORT = 8404
"""HAProxy's own customary port for its statistics; here on loopback only."""
STATUS = f"127.0.0.1:{STATUS_PORT}"

VALIDATE = """said=$(haproxy -c -f "$1" 2>&1) && exit 0
printf '%s\n' "$said" | grep -v '^.NOTICE'; exit 1"""
"""sh that checks $1. HAProxy tells first what it is, which is not what is wrong."""

_MARK = re.compile(r'string "([0-9a-f]{12})" if \{ path /config \}$', re.MULTILINE)


def configuration(edge: Edge, forwards: Sequence[Forward]) -> str:
    """The whole file. It holds a mark made from all the rest of it, which /config of STATUS answers with."""

    def text(mark: str) -> str:
        return render(
            "edge/haproxy.cfg.j2",
            vip=f"[{edge.vip}]" if edge.vip.version == 6 else str(edge.vip),
            forwards=forwards,
            maxconn=edge.max_connections,
            status=STATUS,
            config_id=mark,
        )

    return text(hashlib.sha256(text("").encode()).hexdigest()[:12])


def mark(configuration: str) -> str:
    """The mark of a configuration; empty for one that is not ours."""
    found = _MARK.search(configuration)
    return found[1] if found else ""


def backends(configuration: str) -> tuple[str, ...]:
    """The names of its backends."""
    return tuple(re.findall(r"^backend (\S+)$", configuration, re.MULTILINE))
