"""--limit and --tags: which hosts and which phases a command is about."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches
from fnmatch import fnmatchcase

from k8snet_provision.capability import Phase
from k8snet_provision.inventory import Inventory
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.topology import Cluster

NO_SUCH_HOST = "K8N401"
NO_SUCH_TAG = "K8N402"
NO_CLIENT = "K8N403"


def hosts(inventory: Inventory, limit: str) -> tuple[str, ...]:
    """The hosts of Ansible's --limit: names, groups and wildcards joined by `,` or `:`; `!` excludes, `&` narrows.

    Raises ProblemsFound for a pattern that matches nothing, because it is most often a slip of the pen.
    """
    everything = tuple(inventory.hosts)
    patterns = [part for chunk in limit.split(",") for part in chunk.split(":") if part]
    matched = {pattern: _matching(inventory, pattern.lstrip("!&")) for pattern in patterns}
    if empty := [pattern for pattern, found in matched.items() if not found]:
        raise ProblemsFound(_no_such(NO_SUCH_HOST, "--limit", p, [*inventory.hosts, *inventory.groups]) for p in empty)
    chosen = set().union(*(matched[p] for p in patterns if p[0] not in "!&"))
    chosen = chosen or set(everything)
    for pattern in patterns:
        if pattern[0] == "&":
            chosen &= matched[pattern]
        elif pattern[0] == "!":
            chosen -= matched[pattern]
    return tuple(host for host in everything if host in chosen)


def client(inventory: Inventory, cluster: Cluster, name: str) -> str:
    """The host of verify's --from; raises ProblemsFound for one that is unknown, or no client from outside."""
    if name and name not in inventory.hosts:
        raise ProblemsFound([_no_such(NO_SUCH_HOST, "--from", name, [*inventory.hosts])])
    if name in cluster.nodes:
        hint = "a node sends what is for a Service straight to its pods; name a host outside the cluster"
        raise ProblemsFound([Problem(NO_CLIENT, "--from names a node of the cluster", "command line", name, hint=hint)])
    return name


def _matching(inventory: Inventory, pattern: str) -> set[str]:
    groups = [group for group in inventory.groups if fnmatchcase(group, pattern)]
    names = {host for host in inventory.hosts if fnmatchcase(host, pattern) or pattern == "all"}
    return names.union(*(inventory.members(group) for group in groups))


def phases(site: Sequence[Phase], tags: str) -> tuple[Phase, ...]:
    """The phases named by --tags (comma separated), all of them for an empty text; raises ProblemsFound.

    The first word of a name stands for every phase that begins with it: kube-proxy is done in several.
    """
    wanted = {tag for tag in tags.split(",") if tag}
    names = [phase.name for phase in site]
    known = {name for phase in names for name in (phase, phase.split(" ")[0])}
    if unknown := sorted(wanted - known):
        raise ProblemsFound(_no_such(NO_SUCH_TAG, "--tags", tag, sorted(known)) for tag in unknown)
    return tuple(phase for phase in site if not wanted or wanted & {phase.name, phase.name.split(" ")[0]})


def _no_such(code: str, flag: str, found: str, known: Sequence[str]) -> Problem:
    near = get_close_matches(found.lstrip("!&"), known, 1)
    hint = f"did you mean {near[0]}?" if near else f"known: {', '.join(known[:20])}"
    return Problem(code, f"{flag} matches nothing", "command line", found=found, hint=hint)
