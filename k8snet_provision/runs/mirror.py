"""Runs as the hosts keep them, for root only: what is left when the operator's machine is not.

Every control plane has the plan, the events and what secrets were before; every touched host its own changes and,
written by itself, its steps.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from functools import partial
from typing import Any

from k8snet_provision.change import change_to_json
from k8snet_provision.engine.fleet import Fleet, Output, Script, Unreachable
from k8snet_provision.engine.shell import assign
from k8snet_provision.plan import Plan
from k8snet_provision.problems import Problem, ProblemsFound
from k8snet_provision.resources.kube_object import Manifest
from k8snet_provision.runs import model
from k8snet_provision.runs.codes import Code
from k8snet_provision.runs.model import ID, Run
from k8snet_provision.saved_plan import model as saved_plan
from k8snet_provision.saved_plan.model import NewerFormat, NotAPlan, SavedPlan

MIRROR = "/var/lib/k8snet-provision/runs"

KEPT = 20
"""Runs that a host keeps."""

TIMEOUT = 30.0
"""Seconds for one script; plans with the definitions of kinds have some megabytes."""

MAKE = """
umask 077
mkdir -p -- "$root" "$run" && chmod 700 -- "$root" "$run" || exit 1
"""

# What awaits a confirmation is not removed whatever its age.
PRUNE = """
for old in $(ls -1 -- "$root" | sort -r | tail -n "+$from"); do
  [ -d "$root/$old/undo" ] || rm -rf -- "${root:?}/$old"
done
"""

BEGIN = f"""{MAKE}
head -c "$size" >"$run/plan.json.part" && cat >"$run/secrets.json" || exit 1
sync -- "$run/plan.json.part" "$run/secrets.json" && mv -f -- "$run/plan.json.part" "$run/plan.json" || exit 1
{PRUNE}exit 0
"""

TOUCH = f"""{MAKE}
[ -e "$run/host.json" ] && exit 0
cat >"$run/host.json.part" && sync -- "$run/host.json.part" && mv -f -- "$run/host.json.part" "$run/host.json" || exit 1
{PRUNE}exit 0
"""

APPEND = """
[ -d "$run" ] || exit 1
umask 077
cat >>"$run/events.jsonl" && sync -- "$run/events.jsonl"
"""

LIST = """
[ -d "$root" ] || exit 0
for run in "$root"/*; do
  [ -f "$run/events.jsonl" ] || continue
  printf '%s %s\\n' "${run##*/}" "$(wc -c <"$run/events.jsonl")"
  cat -- "$run/events.jsonl"
done
"""


def host_dir(run_id: str) -> str:
    return f"{MIRROR}/{run_id}"


def begin(run_id: str, saved: SavedPlan) -> Script:
    """For control planes: the whole plan, and what its secrets were before."""
    plan = (json.dumps(saved_plan.to_json(saved)) + "\n").encode()
    before = {change.address: change.details.get("before_manifest") for change in saved.plan.changes if change.secret}
    values = _places(run_id) | {"size": str(len(plan)), "from": str(KEPT + 1)}
    return Script(assign(**values) + BEGIN, plan + json.dumps(before).encode(), timeout=TIMEOUT)


def touch(run_id: str, plan: Plan, host: str) -> Script:
    """For a host before it is changed: its own changes."""
    own = [change_to_json(change) for change in plan.changes if change.target == host]
    values = _places(run_id) | {"from": str(KEPT + 1)}
    return Script(assign(**values) + TOUCH, json.dumps(own).encode(), timeout=TIMEOUT)


def directory(run_id: str) -> Script:
    """The run's directory; what it holds already is as it was when the run began."""
    return Script(assign(**_places(run_id)) + MAKE, timeout=TIMEOUT)


def append(run_id: str, events: bytes) -> Script:
    return Script(assign(**_places(run_id)) + APPEND, events, timeout=TIMEOUT)


def _places(run_id: str) -> dict[str, str]:
    return {"root": MIRROR, "run": host_dir(run_id)}


def on_hosts(fleet: Fleet, hosts: Iterable[str]) -> list[Run]:
    """The runs that these hosts know of, newest first, each as the host tells it that knows most of it."""
    script = Script(assign(root=MIRROR) + LIST, timeout=TIMEOUT)
    best: dict[str, Run] = {}
    for host, answer in fleet.run(dict.fromkeys(hosts, script)).items():
        if isinstance(answer, Unreachable) or answer.code != 0:
            continue
        for run_id, data in _split(answer.stdout):
            try:
                run = Run(run_id, model.events(data), partial(plan, fleet, host, run_id))
            except ValueError:
                continue
            if len(run.events) > len(best[run_id].events if run_id in best else ()):
                best[run_id] = run
    return model.newest_first(list(best.values()))


def _split(data: bytes) -> Iterable[tuple[str, bytes]]:
    while data:
        head, _, rest = data.partition(b"\n")
        name, _, size = head.decode("utf-8", "replace").partition(" ")
        if not size.isdigit():
            return
        if ID.fullmatch(name):
            yield name, rest[: int(size)]
        data = rest[int(size) :]


def plan(fleet: Fleet, host: str, run_id: str) -> SavedPlan:
    """The run's plan as a control plane keeps it; raises ProblemsFound."""
    try:
        return saved_plan.from_json(json.loads(_read(fleet, host, run_id, "plan.json")))
    except (ValueError, NotAPlan, NewerFormat) as error:
        raise ProblemsFound([_unreadable(host, run_id, "plan.json", str(error))]) from None


def secrets(fleet: Fleet, host: str, run_id: str) -> Mapping[str, Manifest | None]:
    """What a run's Secrets were before it, by address of the change; None for one that was not there.

    Raises ProblemsFound.
    """
    try:
        kept: dict[str, Any] = json.loads(_read(fleet, host, run_id, "secrets.json"))
        return {address: json.loads(text) if text else None for address, text in kept.items()}
    except (ValueError, AttributeError) as error:
        raise ProblemsFound([_unreadable(host, run_id, "secrets.json", str(error))]) from None


def _read(fleet: Fleet, host: str, run_id: str, name: str) -> bytes:
    script = Script(assign(file=f"{host_dir(run_id)}/{name}") + 'cat -- "$file"', timeout=TIMEOUT)
    answer = fleet.run({host: script})[host]
    if isinstance(answer, Output) and answer.code == 0:
        return answer.stdout
    said = answer.reason if isinstance(answer, Unreachable) else answer.stderr.decode("utf-8", "replace").strip()
    raise ProblemsFound([_unreadable(host, run_id, name, said)])


def _unreadable(host: str, run_id: str, name: str, why: str) -> Problem:
    return Problem(Code.DAMAGED, f"{name} of the run {run_id} cannot be read on this host", host, why[-300:])
