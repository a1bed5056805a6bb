"""Processes that look like a cluster's programs, and a script that looks at them, apart from all other processes."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from k8snet_provision.observe import compose, decode, new_boundary
from k8snet_provision.preflight.programs import FUNCTIONS
from k8snet_provision.resources.probe import HostSeen, Probe

RUN = """
import json, subprocess, sys
asked = json.load(sys.stdin)
for argv, environment in asked["programs"]:
    subprocess.Popen(argv, executable="/bin/sh", stdin=subprocess.PIPE, env=environment)
subprocess.run(["sh"], input=asked["script"].encode())
"""
"""The first process of a PID namespace of its own: what it started ends with it."""


@dataclass(frozen=True)
class Program:
    """A process of that name and with these flags, which waits."""

    name: str
    flags: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)

    def as_started(self) -> tuple[list[str], dict[str, str]]:
        return [f"/opt/bin/{self.name}", "-c", "read -r ended", *self.flags], dict(self.environment)


def answer(*probes: Probe, programs: Sequence[Program] = ()) -> tuple[HostSeen, str]:
    """The probes as a host with these programs would run them, decoded, and everything that would leave it."""
    boundary = new_boundary()
    asked = {"script": FUNCTIONS + compose(probes, boundary), "programs": [one.as_started() for one in programs]}
    apart = ["unshare", "--map-root-user", "--pid", "--fork", "--mount-proc", sys.executable, "-c", RUN]
    done = subprocess.run(apart, input=json.dumps(asked).encode(), capture_output=True, check=True, timeout=60)
    return decode("cp1", probes, boundary, done.stdout), done.stdout.decode()
