"""The look as a program of a host: exactly what drift would send it, so that sudoers can allow that and nothing else.

Whoever may run it as root reads what drift reads and can do nothing else: the program takes no argument, and of its
standard input a boundary of 32 hexadecimal digits, the name of one of its own parts, and for one of them paths below
those of configuration, of which it tells when the file was changed and whose it is.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from k8snet_provision import looking
from k8snet_provision.capability import Site
from k8snet_provision.drift import who
from k8snet_provision.observe import compose
from k8snet_provision.topology import Cluster

DIRECTORY = "/usr/local/libexec/k8snet-provision"

BOUNDARY = "0123456789abcdef" * 2
"""Stands in the text for what is new each time. Every place of it is within single quotes (observe.compose)."""

HEAD = """\
#!/bin/sh
# What k8snet-provision drift looks at on host {host} of cluster {cluster}. It only reads. Not to be edited: drift tells
# one that is not what it would ask. Made by: k8snet-provision drift permissions INVENTORY --to DIR
PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin; LC_ALL=C; export PATH LC_ALL
[ $# -eq 0 ] || {{ echo "takes no arguments" >&2; exit 64; }}
IFS= read -r k8snet_boundary && IFS= read -r k8snet_part || {{ echo "is told nothing" >&2; exit 64; }}
case $k8snet_boundary in *[!0-9a-f]*) echo "no boundary" >&2; exit 64 ;; esac
[ "${{#k8snet_boundary}}" -eq {length} ] || {{ echo "no boundary" >&2; exit 64; }}
"""

WITHIN = r"""sed -e '\#/\.\.\(/\|$\)#s#.*#/none/such#' \
  -e '\#^/\(etc\|opt\|srv\|run/systemd\|usr\|var/lib\)/#!s#.*#/none/such#'"""
"""Leaves the paths that configuration lies below."""

TAIL = """
printf '%s\\n' "$k8snet_boundary"
sha256sum <"$0" || echo unknown
case $k8snet_part in
{cases}*) echo "has no such part" >&2; exit 64 ;;
esac
"""


@dataclass(frozen=True)
class InstalledLook:
    """Of one host. `parts` are scripts by name, with BOUNDARY in them."""

    cluster: str
    host: str
    parts: Mapping[str, str]

    @property
    def path(self) -> str:
        return path(self.cluster)

    @cached_property
    def text(self) -> str:
        head = HEAD.format(host=_plain(self.host), cluster=_plain(self.cluster), length=len(BOUNDARY))
        bodies = "".join(f"\npart_{name}() {{\n{_with_variable(text)}\n}}\n" for name, text in self.parts.items())
        cases = "".join(f"{name}) part_{name} ;;\n" for name in self.parts)
        return head + bodies + TAIL.format(cases=cases)

    @cached_property
    def sha256(self) -> str:
        return hashlib.sha256(self.text.encode("utf-8", "surrogateescape")).hexdigest()

    def part(self, text: str, boundary: str) -> str | None:
        """The name of the part that is this script; None where the program has none such."""
        found = name(text.replace(boundary, BOUNDARY) if boundary else text)
        return found if found in self.parts else None


def path(cluster: str) -> str:
    return f"{DIRECTORY}/look-{_plain(cluster)}"


def of_host(site: Site, cluster: Cluster, host: str) -> InstalledLook:
    """Everything that drift may ask: the host's own script, traces of files, and of a control plane the cluster."""
    asked = [compose(looking.of_host(site, cluster, host), BOUNDARY), who.SCRIPT]
    if host in cluster.control_planes:
        asked += [compose(part, BOUNDARY) for part in looking.of_cluster(site, cluster)]
    return InstalledLook(cluster.name, host, {name(text): text for text in asked})


def name(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def _with_variable(text: str) -> str:
    if text == who.SCRIPT:
        return f"{WITHIN} | {{\n{text}\n}}"
    return text.replace(BOUNDARY, "'\"$k8snet_boundary\"'")


def _plain(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9._-]", "_", text)[:60]
