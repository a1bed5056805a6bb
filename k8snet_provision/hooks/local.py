"""Local: the hooks of a topology as a roll-out calls them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from k8snet_provision.change import Change, change_to_json
from k8snet_provision.hooks import command, faults
from k8snet_provision.topology import Cluster
from k8snet_provision.topology.hooks import Hooks


@dataclass(frozen=True)
class Local:
    """`say` is given each line that a command prints. `run_id` is told to the commands."""

    hooks: Hooks
    folder: Path
    cluster: str
    run_id: str
    say: Callable[[str], None]

    def before(self, phase: str, changes: Sequence[Change]) -> str:
        """Why the phase must not begin; empty when it may."""
        return self._run("before", self.hooks.before, phase, changes, {})

    def after(self, phase: str, changes: Sequence[Change], failures: Mapping[str, str]) -> str:
        """What went wrong with the command; empty when nothing did."""
        return self._run("after", self.hooks.after, phase, changes, failures)

    def _run(
        self,
        when: str,
        commands: Mapping[str, Sequence[str]],
        phase: str,
        changes: Sequence[Change],
        failures: Mapping[str, str],
    ) -> str:
        words = commands.get(phase)
        if words is None:
            return ""
        what = f"the command {when} {'the run' if phase == '*' else phase}, {shlex.join(words)[:200]},"
        program = faults.program(words, self.folder)
        if program is None:
            return f"{what} is not there"
        about = {"when": when, "phase": phase, "run": self.run_id, "cluster": self.cluster}
        told = {**about, "changes": [change_to_json(change) for change in changes], "failures": dict(failures)}
        try:
            ended = command.run(
                [program, *words[1:]],
                json.dumps(told).encode() + b"\n",
                folder=self.folder,
                environment={f"K8SNET_{name.upper()}": value for name, value in about.items()},
                seconds=self.hooks.seconds,
                say=self.say,
            )
        except OSError as error:
            return f"{what} could not be started: {error.strerror}"
        return f"{what} {_why(ended, self.hooks.seconds)}" if ended.code != 0 else ""


def _why(ended: command.Ended, seconds: int) -> str:
    last = f": {ended.last[-300:]}" if ended.last else ""
    if ended.code is None:
        return f"did not finish within {seconds} s{last}"
    return f"ended {f'by signal {-ended.code}' if ended.code < 0 else f'with status {ended.code}'}{last}"


def of(cluster: Cluster, run_id: str, say: Callable[[str], None]) -> Local:
    """The hooks of a cluster's topology; of one without any, hooks that do nothing."""
    return Local(cluster.topology.hooks or Hooks(), faults.folder(cluster), cluster.name, run_id, say)
