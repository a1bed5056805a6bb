"""1,000 hosts: reading and validating the inventory, against `ansible-inventory --list` in the same run.

Two layouts: everything in one hosts.yml, and one host_vars file for each host. Prints seconds (the best of
three, each in a new process, start-up of Python included) and the ratio.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

HOSTS = 1000
RUNS = 3
READ = """
import sys
from pathlib import Path
from k8snet_provision.inventory import load
from k8snet_provision.inventory.connection import connections
from k8snet_provision.inventory.listing import list_json
inventory = load(Path(sys.argv[1]))
found, problems = connections(inventory)
assert len(found) == len(inventory.hosts) and not problems
list_json(inventory)
"""


def one_file(folder: Path) -> None:
    """Groups, ranges aside, as operators write them: each host with an address and a few variables."""
    hosts = "".join(
        f"    node{i:04}:\n      ansible_host: 10.{i // 65536}.{i // 256 % 256}.{i % 256}\n"
        f"      rack: r{i % 40}\n      labels: {{zone: z{i % 3}, disk: ssd}}\n"
        for i in range(HOSTS)
    )
    (folder / "hosts.yml").write_text(f"kube_node:\n  hosts:\n{hosts}")
    _group_vars(folder)


def many_files(folder: Path) -> None:
    """The same, with the variables in host_vars/."""
    (folder / "hosts").write_text(f"[kube_node]\nnode[0000:{HOSTS - 1:04}]\n")
    (folder / "host_vars").mkdir()
    for i in range(HOSTS):
        text = (
            f"ansible_host: 10.{i // 65536}.{i // 256 % 256}.{i % 256}\nrack: r{i % 40}\nlabels: {{zone: z{i % 3}}}\n"
        )
        (folder / "host_vars" / f"node{i:04}.yml").write_text(text)
    _group_vars(folder)


def _group_vars(folder: Path) -> None:
    (folder / "group_vars").mkdir()
    (folder / "group_vars" / "all.yml").write_text(
        "ansible_user: root\nansible_ssh_common_args: -J jump@bastion\ntopology: {service_cidr: 10.96.0.0/12}\n"
    )


def seconds(commands: list[list[str | Path]], folder: Path) -> list[float]:
    """The best of RUNS for each command, in turns, so that a busy moment hits all of them."""
    environment = {**os.environ, "HOME": str(folder)}

    def once(command: list[str | Path]) -> float:
        started = time.perf_counter()
        subprocess.run(command, cwd=folder, env=environment, stdout=subprocess.DEVNULL, check=True)
        return time.perf_counter() - started

    rounds = [[once(command) for command in commands] for _ in range(RUNS)]
    return [min(times) for times in zip(*rounds, strict=True)]


def main() -> None:
    """Prints one line for each layout."""
    program = Path(sys.executable).with_name("ansible-inventory")
    for layout in (one_file, many_files):
        with tempfile.TemporaryDirectory() as name:
            elsewhere, folder = Path(name) / "cwd", Path(name) / "inventory"
            elsewhere.mkdir()
            folder.mkdir()
            layout(folder)
            read: list[str | Path] = [sys.executable, "-c", READ, folder]
            ours, theirs = seconds([read, [program, "-i", folder, "--list"]], elsewhere)
            print(
                f"inventory, {HOSTS:,} hosts, {layout.__name__.replace('_', ' ')}: read, validated and listed in "
                f"{ours:.2f} s; ansible-inventory --list {theirs:.2f} s; ratio {theirs / ours:.1f}"
            )


if __name__ == "__main__":
    main()
