"""drift: one look, compared and watched. It asks; it never writes, neither on a host nor in the cluster."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from k8snet_provision import assets, looking, planning
from k8snet_provision.drift import Report, looked_at, of_plan, picture, watch
from k8snet_provision.saved_plan import tool
from k8snet_provision.workflow import Session


def look(session: Session) -> Report:
    """Everything that is not as it should be, now; what could not be seen stands beside it."""
    started = datetime.now(UTC)
    watches = assets.deploy_module("watched").WATCHES
    asked = (*session.site, *(watched.phase for watched in watches))
    world = looking.look(asked, session.cluster, session.hosts, session.fleet)
    world, refused = looking.ask_dry_run(session.site, world, session.fleet)
    plan = planning.make(session.site, world, session.hosts, session.started, (*session.warnings, *refused))
    whole = set(session.cluster.control_planes) <= set(session.hosts)
    found, unknown = watch.ask(watches, world, session.hosts, whole=whole)
    inventory = str(session.request.inventory)
    incomplete = tuple(dict.fromkeys([*plan.incomplete, *unknown]))
    begun = started.isoformat(timespec="seconds").replace("+00:00", "Z")
    return Report(
        cluster=plan.name,
        inventory=inventory,
        started=begun,
        seconds=time.monotonic() - session.started,
        tool=tool.version(),
        facts=plan.facts,
        hosts=session.hosts,
        cluster_looked_at=whole,
        findings=(*of_plan.findings(plan, inventory), *found),
        incomplete=incomplete,
        notices=plan.notices,
        picture=picture.places(session.cluster),
        looked_at=looked_at.looked_at(session.site, watches, session.cluster, session.hosts, whole),
        last_complete="" if incomplete else begun,
        topology=str(session.cluster.origin()),
    )
