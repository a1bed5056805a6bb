"""What a plan rests on beside the inventory and the hosts: files that the topology names, on disk or on the web.

They are fetched and looked through before the first host is spoken to; afterwards they are only read.
"""

from __future__ import annotations

from k8snet_provision.metallb import release, source
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.topology import Cluster


def problems(cluster: Cluster) -> tuple[Problem, ...]:
    """Why something is not to be had or not what it should be."""
    try:
        source.fetch(cluster)
        release.objects(cluster)
    except ProblemsFound as found:
        return found.problems
    return ()
