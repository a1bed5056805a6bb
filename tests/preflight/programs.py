"""Processes that look like a cluster's programs: their names and their flags, nothing else."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

from k8snet_provision.observe import compose, decode, new_boundary
from k8snet_provision.preflight.programs import FUNCTIONS
from k8snet_provision.resources.probe import HostSeen, Probe


@contextmanager
def running(program: str, *flags: str, environment: dict[str, str] | None = None) -> Iterator[None]:
    """A process with that argv, waiting until the test is over."""
    argv = [f"/opt/bin/{program}", "-c", "read -r ended", *flags]
    process = subprocess.Popen(argv, executable="/bin/sh", stdin=subprocess.PIPE, env=environment)
    try:
        yield
    finally:
        process.communicate(timeout=10)


def answer(*probes: Probe, host: str = "cp1") -> tuple[HostSeen, bytes]:
    """The probes as a host would run them, and everything that would leave it."""
    boundary = new_boundary()
    script = FUNCTIONS + compose(probes, boundary)
    done = subprocess.run(["sh"], input=script.encode(), stdout=subprocess.PIPE, check=False, timeout=30)
    return decode(host, probes, boundary, done.stdout), done.stdout
