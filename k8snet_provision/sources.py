"""What a plan rests on beside the inventory and the hosts: files that the topology names, on disk or on the web, and
the programs of its hooks.

They are fetched and looked through before the first host is spoken to; afterwards they are only read.
"""

from __future__ import annotations

from k8snet_provision import assets, hooks
from k8snet_provision.metallb import release, source
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.topology import Cluster


def problems(cluster: Cluster, *, fetch: bool = True) -> tuple[Problem, ...]:
    """Why something is not to be had or not what it should be; without `fetch`, of what is on this machine."""
    found = tuple(hooks.problems(cluster, [phase.name for phase in assets.deploy_module("site").SITE]))
    return found + _release(cluster, fetch)


def _release(cluster: Cluster, fetch: bool) -> tuple[Problem, ...]:
    metallb = cluster.topology.metallb
    if metallb is None or not (fetch or source.is_here(metallb)):
        return ()
    try:
        source.fetch(cluster)
        release.objects(cluster)
    except ProblemsFound as found:
        return found.problems
    return ()


def on_this_machine(cluster: Cluster) -> tuple[Problem, ...]:
    """What lint can say, which speaks to nobody."""
    return problems(cluster, fetch=False)
