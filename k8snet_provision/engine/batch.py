"""One batch of a roll-out: a pyinfra State over open links, prepared and run, its failures as data."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import gevent
from gevent.lock import RLock
from pyinfra.api.config import Config
from pyinfra.api.connect import connect_all
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.host import Host
from pyinfra.api.inventory import Inventory
from pyinfra.api.operations import run_ops
from pyinfra.api.state import BaseStateCallback, State
from pyinfra.context import ctx_host, ctx_state

from k8snet_provision.engine.connector import LinkConnector, LinkedState
from k8snet_provision.engine.link import Link
from k8snet_provision.engine.privilege import needs_sudo

Progress = Callable[[str, str, str], None]
"""Called with host, step and "started", "done" or "failed"."""

Deploy = Callable[[Sequence[Any]], None]
"""A pyinfra deploy; called once per host, inside that host's context, with the host's changes."""

_one_state_at_a_time = RLock()  # pyinfra's current State is one variable of the process


@dataclass(frozen=True)
class Failed:
    """Where a host's roll-out stopped: the step, and what the host or the connection said."""

    host: str
    step: str
    text: str

    def __str__(self) -> str:
        return f"{self.host}: {self.step}: {self.text}"


class BatchState(LinkedState):
    """Knows the name of every host's every step.

    pyinfra counts operations by position, so the third of one host and the third of another are the same
    operation to it, and their names are mixed. What each host runs is its own all the same.
    """

    def __init__(self, links: dict[str, Link], mirror: str = "") -> None:
        super().__init__(check_for_changes=False)  # the plan has said what changes; nothing is asked again
        self.links = links
        self.mirror = mirror
        self.steps: dict[tuple[str, str], str] = {}

    def step(self, host: Host, operation: str) -> str:
        """The step's name on this host; pyinfra's for operations that are not ours."""
        return self.steps.get((host.name, operation)) or ", ".join(sorted(self.op_meta[operation].names))


def deploy_batch(
    links: Mapping[str, Link],
    batch: Mapping[str, Sequence[Any]],
    deploy: Deploy,
    progress: Progress | None,
    forks: int,
    mirror: str = "",
) -> dict[str, Failed | None]:
    """Runs `deploy` on every host of the batch, step by step, all hosts together.

    A host that fails stops at that step; the others go on. An exception of `deploy` itself is raised before
    any host is changed, unless it is pyinfra's own, which fails the host. `mirror` is a directory of the hosts
    where each keeps, for itself, which step began and how it ended; none when empty.
    """
    with _one_state_at_a_time:
        state = BatchState({name: links[name] for name in batch}, mirror)
        state.init(_inventory(links, batch), Config(PARALLEL=max(1, min(forks, len(batch)))))
        failures: dict[str, Failed] = {}
        state.add_callback_handler(_Told(progress or _silent))  # type: ignore[no-untyped-call]
        try:
            connect_all(state)
            failures |= _prepare(state, batch, deploy)
            run_ops(state)
        except PyinfraError:  # raised when no host is left; what failed is in the state
            pass
        finally:
            ctx_state.reset()
            state.pool.kill()  # nothing is left to kill, unless the run was interrupted
        return {host.name: failures.get(host.name) or _failure(state, host) for host in state.inventory}


def _silent(host: str, step: str, outcome: str) -> None:
    return


def _inventory(links: Mapping[str, Link], batch: Mapping[str, Sequence[Any]]) -> Inventory:
    names = [(name, {"_sudo": needs_sudo(links[name].connection)}) for name in batch]
    inventory = Inventory((names, {}))
    for host in inventory:
        host.connector_cls = LinkConnector
    return inventory


def _prepare(state: BatchState, batch: Mapping[str, Sequence[Any]], deploy: Deploy) -> dict[str, Failed]:
    """Adds every host's operations, the hosts in parallel: one after another, 50 hosts take over a minute."""

    def prepare(host: Host) -> Failed | None:
        with ctx_host.use(host):
            try:
                deploy(batch[host.name])
            except PyinfraError as refused:
                return Failed(host.name, "preparing", str(refused))
        return None

    with ctx_state.use(state):
        jobs = {host: state.pool.spawn(prepare, host) for host in list(state.active_hosts)}
        gevent.joinall(list(jobs.values()), raise_error=True)
    failed = {host: job.value for host, job in jobs.items() if job.value is not None}
    state.fail_hosts(set(failed))  # type: ignore[no-untyped-call]
    return {host.name: failure for host, failure in failed.items()}


def _failure(state: BatchState, host: Host) -> Failed | None:
    if host not in state.failed_hosts:
        return None
    connector = host.connector
    assert isinstance(connector, LinkConnector)
    lost = str(connector.lost) if connector.lost else ""
    for operation in host.op_hash_order:
        outcome = state.ops[host][operation].operation_meta
        if outcome.is_complete() and outcome.did_error():
            said = outcome.stderr.strip() or outcome.stdout.strip()
            return Failed(host.name, state.step(host, operation), lost or said or "it failed and said nothing")
    return Failed(host.name, "connecting", lost or "it failed and said nothing")


class _Told(BaseStateCallback):
    """Passes on when a host starts a step and how it ended."""

    def __init__(self, progress: Progress) -> None:
        self.progress = progress

    def operation_host_start(self, state: State, host: Host, op_hash: str) -> None:  # type: ignore[override]
        self._tell(state, host, op_hash, "started")

    def operation_host_success(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str, retry_count: int = 0
    ) -> None:
        self._tell(state, host, op_hash, "done")

    def operation_host_error(  # type: ignore[override]
        self, state: State, host: Host, op_hash: str, retry_count: int = 0, max_retries: int = 0
    ) -> None:
        self._tell(state, host, op_hash, "failed")

    def _tell(self, state: State, host: Host, operation: str, outcome: str) -> None:
        assert isinstance(state, BatchState)
        if operation in state.ops[host]:
            self.progress(host.name, state.step(host, operation), outcome)
