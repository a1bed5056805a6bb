"""What else is at work on a cluster, or was: asked once, told by diff, judged by apply."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision import commit_confirm, run_lock
from k8snet_provision.commit_confirm import Told
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.problems import Problem
from k8snet_provision.runs import local, mirror, unfinished
from k8snet_provision.runs.model import Run, newest_first


@dataclass(frozen=True)
class Around:
    """`other` is the run that is under way, `told` which runs wait on the hosts to be confirmed, `runs` all that are
    known, newest first."""

    other: Problem | None
    told: Told
    runs: Sequence[Run]

    def notices(self, inventory: Path) -> list[str]:
        """For whoever reads a plan: what would keep it from being applied now."""
        found = [self.other] if self.other else []
        if not self.other and (cut := unfinished.cut_short(self.runs)):
            found.append(unfinished.refusal(cut, str(inventory)))
        return [f"{problem.text}: {problem.found}" for problem in (*found, *commit_confirm.awaiting(self.told))]


def look(fleet: Fleet, control_planes: Sequence[str], inventory: Path, told: Told, lock_path: str) -> Around:
    """Asks the control planes; changes nothing. What waits on the hosts was `told` with all else that was observed."""
    other = run_lock.under_way(fleet, control_planes, lock_path)
    return Around(other, told, known_runs(fleet, control_planes, inventory))


def known_runs(fleet: Fleet, hosts: Sequence[str], inventory: Path) -> list[Run]:
    """The runs of a cluster, newest first, each as this machine or a control plane tells it that knows most of it:
    another machine may have gone on with a run of this one."""
    best: dict[str, Run] = {}
    for run in (*local.runs_of(inventory), *mirror.on_hosts(fleet, hosts)):
        if run.id not in best or len(run.events) > len(best[run.id].events):
            best[run.id] = run
    return newest_first([*best.values()])
