"""Runs probes as a host would: one script, through a real POSIX sh."""

from __future__ import annotations

import subprocess

from k8snet_provision.observe import compose, decode, new_boundary
from k8snet_provision.resources.probe import HostSeen, Probe


def ask(*probes: Probe, cut_at: int | None = None) -> HostSeen:
    """The decoded answers of this machine; `cut_at` pretends that the connection ended after so many bytes."""
    boundary = new_boundary()
    script = compose(probes, boundary)
    done = subprocess.run(["sh"], input=script.encode(), stdout=subprocess.PIPE, check=False, timeout=30)
    return decode("here", probes, boundary, done.stdout[:cut_at])
