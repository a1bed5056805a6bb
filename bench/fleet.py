"""Looking at 10 files and 5 kernel parameters on many hosts: this tool, stock pyinfra, Ansible, Ansible with mitogen.

The hosts are loopback addresses of real sshd processes, which share the machine's processors with the
measured program. Every tool finds one file of ten different; none changes anything.

    bench/fleet.py                                  200 hosts, the slow ones on 20 and 10
    bench/fleet.py --hosts 40 --pyinfra 10 --ansible 5    in about a minute
    bench/fleet.py --write docs/performance.md      and keep the table, with the machine described
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))  # the sshd of the tests

from k8snet_provision.engine.fleet import Fleet, Output, Script  # noqa: E402  patches before the rest
from k8snet_provision.observe import compose, decode, new_boundary  # noqa: E402
from k8snet_provision.resources import file, sysctl  # noqa: E402
from tests.engine.sshd import Sshd  # noqa: E402

SYSCTLS = {
    "net.ipv4.ip_forward": "1",
    "net.ipv4.conf.all.rp_filter": "0",
    "net.ipv4.ip_local_port_range": "32768 60999",
    "net.core.somaxconn": "4096",
    "kernel.pid_max": "4194304",
}
FORKS = 100
ROUNDS = 3  # for what takes seconds
TOOLS = Path(sys.executable).parent  # pyinfra and ansible-playbook of the same environment

PLAYBOOK = """
- hosts: all
  gather_facts: false
  tasks:
    - ansible.builtin.template: {src: "{{ item }}", dest: "DEST/{{ item | basename }}", mode: "0644"}
      loop: FILES
    - ansible.builtin.command: {argv: [sysctl, -n, "{{ item }}"]}
      loop: SYSCTLS
      check_mode: false
      changed_when: false
"""

DEPLOY = """
from pyinfra.operations import files, server
for path in FILES:
    files.template(src=path, dest="DEST/" + path.rsplit("/", 1)[1], mode="644")
for key, value in SYSCTLS.items():
    server.sysctl(key=key, value=value)
"""


@dataclass(frozen=True)
class Measured:
    """Seconds that one tool took for a number of hosts."""

    label: str
    hosts: int
    seconds: float

    @property
    def per_host(self) -> float:
        return self.seconds / self.hosts


@dataclass(frozen=True)
class Ground:
    """The hosts and the files on them: `wanted` as the tools render them, `there` as the hosts have them."""

    sshd: Sshd
    wanted: list[Path]
    there: Path

    def fleet(self) -> Fleet:
        return Fleet({a: self.sshd.connection(a, a, connect_timeout=60) for a in self.sshd.addresses}, FORKS)


def main() -> None:
    options = _options()
    if options.memory_of:
        return _memory_of(json.loads(sys.stdin.read()), options.memory_of)
    with tempfile.TemporaryDirectory(prefix="k8snet-provision-bench.") as directory:
        ground = _ground(Path(directory), options.hosts)
        try:
            results = [
                _timed("connect + `true`", options.hosts, lambda: _connect(ground), ROUNDS),
                _timed("connect + observation (ours)", options.hosts, lambda: _observe(ground), ROUNDS),
                _timed("the same, connections open", options.hosts, _reusing(ground), ROUNDS),
                _timed("pyinfra --dry, its own operations", options.pyinfra, lambda: _pyinfra(ground, options.pyinfra)),
                _timed("ansible-playbook --check", options.ansible, lambda: _ansible(ground, options.ansible)),
                _timed(
                    "the same with mitogen", options.ansible, lambda: _ansible(ground, options.ansible, mitogen=True)
                ),
            ]
            memory = _megabytes_per_host(ground)
        finally:
            ground.sshd.stop()
    table = _table(results, memory)
    print(f"\n{table}")
    if options.write:
        options.write.write_text(PAGE.format(table=table, machine=_machine()))
    return None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, default=200, help="for this tool")
    parser.add_argument("--pyinfra", type=int, default=20, help="hosts for stock pyinfra")
    parser.add_argument("--ansible", type=int, default=10, help="hosts for Ansible")
    parser.add_argument("--write", type=Path, help="keep the table in this file")
    parser.add_argument("--memory-of", type=int, default=0, help=argparse.SUPPRESS)
    return parser.parse_args()


def _ground(directory: Path, hosts: int) -> Ground:
    wanted, there = directory / "wanted", directory / "there"
    for place in (wanted, there):
        place.mkdir()
        for n in range(10):
            (place / f"file{n}.conf").write_text(f"file {n}\n" * 100)
    (there / "file7.conf").write_text("edited by hand\n")
    addresses = tuple(f"127.0.{100 + n // 250}.{1 + n % 250}" for n in range(hosts))
    return Ground(Sshd(directory / "sshd", addresses).start(), sorted(wanted.iterdir()), there)


def _timed(label: str, hosts: int, work: Callable[[], None], rounds: int = 1) -> Measured:
    """The best of some rounds: what else runs on the machine can only slow one down."""
    seconds = []
    for _ in range(rounds):
        started = time.monotonic()
        work()
        seconds.append(time.monotonic() - started)
    measured = Measured(label, hosts, min(seconds))
    print(f"{label}: {hosts} hosts in {measured.seconds:.2f} s", flush=True)
    return measured


def _run(ground: Ground, script: Script, fleet: Fleet | None = None) -> dict[str, bytes]:
    """What every host printed. Without a fleet it connects, and hangs up afterwards."""
    with nullcontext(fleet) if fleet else ground.fleet() as reached:
        answers = reached.run(dict.fromkeys(ground.sshd.addresses, script))
    outputs = {
        host: answer.stdout for host, answer in answers.items() if isinstance(answer, Output) and not answer.code
    }
    if len(outputs) < len(answers):
        raise SystemExit(f"a host failed: {next(answers[host] for host in answers if host not in outputs)}")
    return outputs


def _connect(ground: Ground) -> None:
    _run(ground, Script("true"))


def _observe(ground: Ground, fleet: Fleet | None = None) -> None:
    paths = [str(ground.there / path.name) for path in ground.wanted]
    probes = [*map(file.probe, paths), *map(sysctl.probe, SYSCTLS)]
    boundary = new_boundary()
    script = compose(probes, boundary)
    answers = _run(ground, Script(script, timeout=120), fleet)
    wanted = {str(ground.there / path.name): path.read_bytes() for path in ground.wanted}
    for host, output in answers.items():
        seen = decode(host, probes, boundary, output)
        found = {path: file.read(seen, path) for path in paths}
        different = [path for path, content in wanted.items() if (found[path] or file.File("", b"")).content != content]
        if len(different) != 1 or not all(sysctl.read(seen, key) for key in SYSCTLS):
            raise SystemExit(f"{host}: wrong answer: {different}")


def _reusing(ground: Ground) -> Callable[[], None]:
    fleet = ground.fleet()
    fleet.connect(ground.sshd.addresses)
    return lambda: _observe(ground, fleet)


def _megabytes_per_host(ground: Ground) -> float:
    """What each further host adds to the peak of a process that observes, connections open all the while."""
    peaks = {hosts: _peak(ground, hosts) for hosts in (1, len(ground.sshd.addresses))}
    return (max(peaks.values()) - peaks[1]) / 1024 / (len(ground.sshd.addresses) - 1)


def _peak(ground: Ground, hosts: int) -> int:
    """Kilobytes, of a process of its own."""
    told = {"home": str(ground.sshd.home), "port": ground.sshd.port, "addresses": ground.sshd.addresses[:hosts],
            "wanted": [str(path) for path in ground.wanted], "there": str(ground.there)}  # fmt: skip
    command = [sys.executable, __file__, "--memory-of", str(hosts)]
    done = subprocess.run(command, input=json.dumps(told), capture_output=True, text=True, check=True, timeout=300)
    return int(done.stdout)


def _memory_of(told: dict[str, Any], hosts: int) -> None:
    sshd = Sshd(Path(told["home"]), tuple(told["addresses"]), told["port"])
    ground = Ground(sshd, [Path(path) for path in told["wanted"]], Path(told["there"]))
    fleet = ground.fleet()
    fleet.connect(sshd.addresses)
    _observe(ground, fleet)
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)


def _pyinfra(ground: Ground, hosts: int) -> None:
    home = ground.sshd.home
    data = {
        "ssh_port": ground.sshd.port,
        "ssh_user": "root",
        "ssh_key": str(home / "client_key"),
        "ssh_known_hosts_file": str(home / "known_hosts"),
        "ssh_strict_host_key_checking": "yes",
    }
    inventory, deploy = home / "inventory.py", home / "deploy.py"
    inventory.write_text(f"hosts = ({list(ground.sshd.addresses[:hosts])!r}, {data!r})\n")
    deploy.write_text(_filled(DEPLOY, ground, repr))
    _tool(home, "pyinfra", str(inventory), str(deploy), "--dry")


def _ansible(ground: Ground, hosts: int, mitogen: bool = False) -> None:
    home = ground.sshd.home
    common = f"ansible_port={ground.sshd.port} ansible_user=root ansible_ssh_private_key_file={home}/client_key"
    extra = f"ansible_ssh_extra_args='-o UserKnownHostsFile={home}/known_hosts'"
    lines = [
        f"{address} {common} {extra} ansible_python_interpreter=/usr/bin/python3" for address in ground.sshd.addresses
    ]
    (home / "hosts").write_text("\n".join(lines[:hosts]) + "\n")
    (home / "play.yml").write_text(_filled(PLAYBOOK, ground, str))
    arguments = ["-i", str(home / "hosts"), str(home / "play.yml"), "--check", "-f", str(FORKS)]
    _tool(home, "ansible-playbook", *arguments, **_mitogen() if mitogen else {})


def _mitogen() -> dict[str, str]:
    """What its documentation has users set."""
    found = find_spec("ansible_mitogen")
    if found is None or found.origin is None:
        raise SystemExit("mitogen is not installed")
    plugins = Path(found.origin).parent / "plugins" / "strategy"
    return {"ANSIBLE_STRATEGY_PLUGINS": str(plugins), "ANSIBLE_STRATEGY": "mitogen_linear"}


def _filled(text: str, ground: Ground, sysctls: Callable[[object], str]) -> str:
    keys = sysctls(SYSCTLS) if sysctls is repr else str(list(SYSCTLS))
    files = str([str(path) for path in ground.wanted])
    return text.replace("DEST", str(ground.there)).replace("FILES", files).replace("SYSCTLS", keys)


def _tool(home: Path, name: str, *arguments: str, **settings: str) -> None:
    environment = (
        os.environ | settings | {"HOME": str(home), "ANSIBLE_LOCAL_TEMP": str(home / "tmp"), "LC_ALL": "C.UTF-8"}
    )
    done = subprocess.run([str(TOOLS / name), *arguments], env=environment, cwd=home, capture_output=True, text=True)
    if done.returncode:
        raise SystemExit(f"{name} failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")


PAGE = """# How fast: what `make bench` measured

Written by `bench/fleet.py`; run it for figures of your own machine. Ten files and five kernel parameters are looked
at on each host, one file differs, nothing is changed. Hosts are loopback addresses of real OpenSSH servers on the same
machine, so the work of the hosts is in every figure; a tool that takes long is given fewer hosts, and compared by host.

{machine}

{table}
"""


def _machine() -> str:
    model = next((line.partition(":")[2].strip() for line in Path("/proc/cpuinfo").read_text().splitlines()
                  if line.startswith("model name")), platform.machine())  # fmt: skip
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    peers = ", ".join(f"{name} {version(name)}" for name in ("pyinfra", "ansible-core", "mitogen", "paramiko"))
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GiB, Linux {platform.release().split('-')[0]}, "
        f"Python {platform.python_version()}, {peers}; {time.strftime('%Y-%m-%d', time.gmtime())}, "
        f"load average at the end {os.getloadavg()[0]:.1f}."
    )


def _table(results: list[Measured], memory: float) -> str:
    """Markdown."""
    base, ours = results[0], results[1]
    rows = ["| | hosts | seconds | ms a host | times connect + `true` | times ours |", "|---|---|---|---|---|---|"]
    rows += [
        f"| {row.label} | {row.hosts} | {row.seconds:.2f} | {row.per_host * 1000:.1f} "
        f"| {row.per_host / base.per_host:.2f} | {row.per_host / ours.per_host:.2f} |"
        for row in results
    ]
    return "\n".join([*rows, "", f"Memory: {memory:.2f} MB for each host more, all connections open."])


if __name__ == "__main__":
    main()
