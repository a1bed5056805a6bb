"""The processes of a lab's hosts as the machine sees them, and commands run inside a host."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
from pathlib import Path

from k8snet_provision.lab import cgroups
from k8snet_provision.lab.settings import Lab

_ENVIRONMENT = {
    "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
    "HOME": "/root",
    "LANG": "C.UTF-8",
}
_ENVIRONMENT["KUBECONFIG"] = "/etc/kubernetes/admin.conf"  # where kubeadm leaves it; only control planes have it


class CommandFailed(Exception):
    """A command inside a host ended with another status than 0; says which and what it printed last."""


def booters(lab: Lab) -> dict[str, list[int]]:
    """The running boot scripts by host. Found by what they run, so one that was started a moment before
    `lab up` was killed is found too."""
    directory = str(lab.state / "hosts") + "/"
    found: dict[str, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        words = _words(entry)
        if len(words) > 1 and words[1].startswith(directory) and words[1].endswith("/boot.sh"):
            found.setdefault(Path(words[1]).parent.name, []).append(int(entry.name))
    return found


def _words(process: Path) -> list[str]:
    try:
        return (process / "cmdline").read_bytes().decode(errors="replace").split("\0")
    except OSError:
        return []


def leader(lab: Lab, host: str) -> int | None:
    """The machine's number of the host's process 1; None while the host is off."""
    for pid in sorted(cgroups.tasks(lab.prefix, host)):
        with contextlib.suppress(OSError):
            status = Path(f"/proc/{pid}/status").read_text()
            numbers = next(line.split()[1:] for line in status.splitlines() if line.startswith("NSpid:"))
            if len(numbers) > 1 and numbers[1] == "1":
                return pid
    return None


def end(pid: int, how: int = signal.SIGKILL) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, how)


def entered(pid: int, command: list[str]) -> list[str]:
    """The argument list that runs `command` in every namespace of the host whose process 1 is `pid`."""
    enter = [
        "nsenter",
        "--target",
        str(pid),
        "--mount",
        "--uts",
        "--ipc",
        "--net",
        "--pid",
        "--cgroup",
        "--root",
        "--wd",
    ]
    variables = [f"{name}={value}" for name, value in _ENVIRONMENT.items()]
    return [*enter, "--", "env", "-i", *variables, *command]


def run_in(lab: Lab, host: str, script: str, seconds: float = 60) -> str:
    """Run a shell script in a host and return its standard output.

    Raises CommandFailed, also when the host is off or `seconds` pass.
    """
    pid = leader(lab, host)
    if pid is None:
        raise CommandFailed(f"{host}: the host is off")
    command = entered(pid, ["timeout", "-k1", str(seconds), "sh", "-euc", script])
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", timeout=seconds + 5, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as expired:
        raise CommandFailed(f"{host}: no end after {seconds:.0f} s: {script.strip()[:200]}") from expired
    return _output(done, f"{host}: {script.strip()[:200]}")


def run_off(root: Path, command: list[str], seconds: float = 60) -> str:
    """Run a command on a host's disk, whether or not the host is on. Raises CommandFailed."""
    chroot = ["chroot", str(root), "env", "-i", *(f"{k}={v}" for k, v in _ENVIRONMENT.items()), *command]
    try:
        done = subprocess.run(
            chroot, capture_output=True, text=True, errors="replace", timeout=seconds, stdin=subprocess.DEVNULL
        )
    except subprocess.TimeoutExpired as expired:
        raise CommandFailed(f"{root}: no end after {seconds:.0f} s: {' '.join(command)}") from expired
    return _output(done, f"{root}: {' '.join(command)}")


def _output(done: subprocess.CompletedProcess[str], what: str) -> str:
    if done.returncode:
        last = "\n".join((done.stderr + done.stdout).strip().splitlines()[-8:])
        raise CommandFailed(f"{what}\nended with {done.returncode}:\n{last}")
    return done.stdout
