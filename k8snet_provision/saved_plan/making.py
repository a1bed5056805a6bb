"""A plan becomes a saved plan: who made it, when, with what, and what it rests on."""

from __future__ import annotations

import getpass
import socket
from collections.abc import Iterable
from datetime import UTC, datetime

from k8snet_provision.capability import Site
from k8snet_provision.change import CLUSTER
from k8snet_provision.forecast import Forecast
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.saved_plan import inventory, secret, tool
from k8snet_provision.saved_plan.codes import Code
from k8snet_provision.saved_plan.model import SavedPlan
from k8snet_provision.saved_plan.secret import Guessable
from k8snet_provision.topology import Cluster


def make(
    cluster: Cluster,
    site: Site,
    plan: Plan,
    *,
    limit: str,
    tags: str,
    extra_vars: Iterable[str],
    forecast: Forecast | None = None,
    for_record: bool = False,
) -> SavedPlan:
    """Raises ProblemsFound for a secret that a digest would give away; `for_record`, such a digest is left out."""
    try:
        secrets = secret.known_digests(plan) if for_record else secret.digests(plan)
    except Guessable as guessable:
        raise ProblemsFound([_guessable(str(guessable))]) from None
    return SavedPlan(
        tool=tool.version(),
        made_by=f"{getpass.getuser()}@{socket.gethostname()}",
        made_at=datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        inventory=str(cluster.inventory.path.resolve()),
        limit=limit,
        tags=tags,
        extra_vars=tuple(sorted(extra_vars)),
        rests_on=inventory.says(cluster),
        paces={phase.name: phase.pace for phase in site},
        secrets=secrets,
        plan=plan,
        forecast=forecast,
    )


def _guessable(key: str) -> Problem:
    text = "a change of secret content without a private key is in no saved plan: its digest could be guessed"
    return Problem(Code.NOT_SAVED, text, CLUSTER, key, hint="apply the inventory itself")
