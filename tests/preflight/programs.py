"""Processes that look like a cluster's programs, and a script that looks at them, apart from all other processes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from k8snet_provision.observe import compose, decode, new_boundary
from k8snet_provision.preflight.programs import FUNCTIONS
from k8snet_provision.resources.probe import HostSeen, Probe

RUN = """
import json, subprocess, sys, time
asked = json.load(sys.stdin)
for name, argv, environment in asked["programs"]:
    process = subprocess.Popen(argv, stdin=subprocess.PIPE, env=environment)
    ends = time.monotonic() + 20
    while not open(f"/proc/{process.pid}/cmdline").read().startswith(name + chr(0)) and time.monotonic() < ends:
        time.sleep(0.01)
subprocess.run(["sh"], input=asked["script"].encode())
"""
"""The first process of a PID namespace of its own: what it started ends with it."""

AS = """
path=$1; shift
while [ "$1" != -- ]; do mount --bind "$1" "$2" || exit; shift 2; done
shift
exec -a "$path" sh "$@"
"""
"""Of bash: PATH [SOURCE SEEN_AS]... -- ARGUMENTS...: sh by that name, in a mount namespace of its own."""


@dataclass(frozen=True)
class Program:
    """A process of that name and with these flags, which waits. `mounts`: what it sees of a path is another path."""

    name: str
    flags: Sequence[str] = ()
    environment: Mapping[str, str] = field(default_factory=dict)
    mounts: Mapping[str, str] = field(default_factory=dict)

    def as_started(self) -> tuple[str, list[str], dict[str, str]]:
        """argv[0] as it is to be; how it is started; with which environment."""
        path = f"/opt/bin/{self.name}"
        mounts = [word for seen, source in self.mounts.items() for word in (source, seen)]
        started = ["unshare", "--mount", "bash", "-c", AS, "bash", path, *mounts, "--", "-c", "read -r ended"]
        return path, [*started, *self.flags], {"PATH": os.environ["PATH"], **self.environment}


def answer(*probes: Probe, programs: Sequence[Program] = ()) -> tuple[HostSeen, str]:
    """The probes as a host with these programs would run them, decoded, and everything that would leave it."""
    boundary = new_boundary()
    asked = {"script": FUNCTIONS + compose(probes, boundary), "programs": [one.as_started() for one in programs]}
    apart = ["unshare", "--map-root-user", "--pid", "--fork", "--mount-proc", sys.executable, "-c", RUN]
    done = subprocess.run(apart, input=json.dumps(asked).encode(), capture_output=True, check=True, timeout=60)
    return decode("cp1", probes, boundary, done.stdout), done.stdout.decode()
