"""Ports 80 and 443 of the nodes: the controller's alone where it is on the host's network, else not its own."""

from __future__ import annotations

from testinfra.host import Host

from k8snet_provision.seen import World
from k8snet_provision.verification.verdict import NotAsWanted, nothing_wrong
from k8snet_provision.verification.way_in import WayIn

PORTS = ("80", "443")

HOLDERS = r"""
command -v ss >/dev/null || { echo "ss (iproute2) is not installed" >&2; exit 1; }
ss -Hltnp '( sport = :80 or sport = :443 )' | while read -r _ _ _ local _ users; do
  pid=$(printf '%s' "$users" | sed -n 's/[^=]*pid=\([0-9]*\).*/\1/p')
  printf '%s %s %s\n' "${local##*:}" "$(cat "/proc/$pid/comm" 2>/dev/null || echo kernel)" \
    "$(tr '\n' ' ' <"/proc/$pid/cgroup" 2>/dev/null)"
done
"""
"""A line per listener: port, program, control groups."""


def called_for(world: World) -> bool:
    return world.topology.ingress is not None


def test_ports_80_and_443(node: Host, way: WayIn) -> None:
    """ports 80 and 443 of a node are held by the controller's nginx alone, and only in the pattern host_network"""
    answer = node.run(HOLDERS)
    if answer.rc != 0:
        raise NotAsWanted(f"found {answer.stderr.strip()}, expected the listeners of the host")
    held = [(port, name, _is_controller(groups, way)) for port, name, groups in _rows(answer.stdout)]
    if way.pattern == "host_network" and node.backend.get_hostname() in way.nodes:
        faults = [
            f"port {port}: found {name}, expected nginx of the controller" for port, name, ours in held if not ours
        ]
        missing = set(PORTS) - {port for port, _, _ in held}
        faults += [f"port {port}: found nobody, expected nginx of the controller" for port in sorted(missing)]
    else:
        faults = [
            f"port {port}: found {name} of the controller, expected nobody of it" for port, name, ours in held if ours
        ]
    nothing_wrong(faults)


def _rows(text: str) -> list[tuple[str, str, str]]:
    rows = [line.split(" ", 2) for line in text.splitlines()]
    return [(row[0], row[1], row[2] if len(row) > 2 else "") for row in rows]


def _is_controller(groups: str, way: WayIn) -> bool:
    """By the pod's uid in the process's control group; systemd's driver writes it with underscores."""
    return any(pod.uid in groups or pod.uid.replace("-", "_") in groups for pod in way.controllers)
