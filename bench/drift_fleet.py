"""What drift costs for each host, from 10 to 1,000 of them on one machine, and the same work in shards.

The hosts are loopback addresses of real sshd processes, which share the machine's processors with the measured program.
Each has 10 files, one of them edited by hand, and 5 kernel parameters to look at, as in bench/fleet.py; the inventory
is read, the cluster asked (a stub of kubectl answers at once), all is compared and the report is written as JSON.

    bench/drift_fleet.py                              10, 50 and 200 hosts: about a minute
    bench/drift_fleet.py --hosts 10 30 100 200 500 1000 --write docs/drift-fleet.svg
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(Path(__file__).parent)]  # the sshd of the tests; the files and parameters of fleet.py

import fleet as ground  # noqa: E402  patches before the rest

from k8snet_provision import assets, looking, planning, session  # noqa: E402
from k8snet_provision.capability import Capability, Phase  # noqa: E402
from k8snet_provision.drift import Report, Shard, of_plan, shards  # noqa: E402
from k8snet_provision.drift.looks import Looks  # noqa: E402
from k8snet_provision.engine.fleet import Script  # noqa: E402
from k8snet_provision.engine.this_machine import ThisMachine  # noqa: E402
from k8snet_provision.reports.drift import json as as_json  # noqa: E402
from k8snet_provision.resources import file, sysctl  # noqa: E402
from k8snet_provision.seen import World  # noqa: E402
from tests.engine.sshd import Sshd  # noqa: E402

SHARDS = (1, 2, 4)
ROUNDS, MANY = 2, 500
"""The best counts: what else runs on the machine can only slow one down. From so many hosts on, one round is enough."""

KUBECTL = """#!/bin/sh
case "$*" in *version*) echo '{"gitVersion": "v1.36.3"}' ;; *"get pods"*) ;; *) echo '{"items": []}' ;; esac
"""


@dataclass(frozen=True)
class Point:
    """Seconds from start to report; `base` is connecting and `true` on as many hosts, in one process as well."""

    hosts: int
    base: float
    drift: dict[int, float]
    kib: int

    @property
    def ratio(self) -> float:
        return self.drift[1] / self.base


def main() -> None:
    options = _options()
    if options.worker:
        return _worker(Path(options.worker), options.shard)
    points = []
    with tempfile.TemporaryDirectory(prefix="k8snet-provision-bench.") as directory:
        for hosts in options.hosts:
            points.append(_measured(Path(directory) / str(hosts), hosts))
            print(_row(points[-1]), flush=True)
    table = _table(points)
    print(f"\n{table}")
    if options.write:
        options.write.write_text(svg(points))
    return None


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--hosts", type=int, nargs="+", default=[10, 50, 200])
    parser.add_argument("--write", type=Path, help="where the curve goes, as SVG")
    parser.add_argument("--worker", default="", help=argparse.SUPPRESS)
    parser.add_argument("--shard", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


def _measured(folder: Path, hosts: int) -> Point:
    folder.mkdir()
    wanted, there = folder / "wanted", folder / "there"
    for place in (wanted, there):
        place.mkdir()
        for number in range(10):
            (place / f"file{number}.conf").write_text(f"file {number}\n" * 100)
    (there / "file7.conf").write_text("edited by hand\n")
    (folder / "kubectl").write_text(KUBECTL)
    (folder / "kubectl").chmod(0o755)
    sshd = Sshd(folder / "sshd", tuple(f"127.0.{100 + n // 250}.{1 + n % 250}" for n in range(hosts))).start()
    try:
        _inventory(folder / "inventory", sshd)
        rounds = range(ROUNDS if hosts < MANY else 1)
        base = min(_run(folder, ["true"])[0] for _ in rounds)
        drift, kib = {}, 0
        for count in SHARDS:
            parts = [f"{index}/{count}" for index in range(1, count + 1)]
            tried = [_run(folder, parts) for _ in rounds]
            drift[count] = min(seconds for seconds, _ in tried)
            found = [sum(item["findings"] for item in told) for _, told in tried]
            if set(found) != {hosts}:
                raise SystemExit(f"{hosts} hosts in {count} shards: {found} findings")
            kib = kib or min(told[0]["kib"] for _, told in tried)
    finally:
        sshd.stop()
    return Point(hosts, base, drift, kib)


def _inventory(folder: Path, sshd: Sshd) -> None:
    variables = {
        "ansible_port": sshd.port,
        "ansible_user": "root",
        "ansible_timeout": 60,
        "ansible_ssh_private_key_file": str(sshd.home / "client_key"),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={sshd.home}/known_hosts",
        "topology": {"service_cidr": "10.254.0.0/16", "pod_cidr": "10.244.0.0/16"},
    }
    (folder / "group_vars" / "all").mkdir(parents=True)
    (folder / "group_vars" / "all" / "all.json").write_text(json.dumps(variables))
    first, *rest = sshd.addresses
    groups = {"kube_control_plane": [first], "kube_node": rest}
    named = {group: {"hosts": {address: {} for address in addresses}} for group, addresses in groups.items()}
    (folder / "hosts.json").write_text(json.dumps(named))


def _run(folder: Path, parts: Sequence[str]) -> tuple[float, list[dict[str, int]]]:
    """All parts side by side, a process each; from the first one's start to the last one's end, less what loading the
    program takes."""
    path = f"{folder}:{os.environ['PATH']}"
    command = [sys.executable, __file__, "--worker", str(folder), "--shard"]
    pipe = subprocess.PIPE
    running = [
        subprocess.Popen([*command, part], stdin=pipe, stdout=pipe, text=True, env={**os.environ, "PATH": path})
        for part in parts
    ]
    for process in running:
        assert process.stdout and process.stdout.readline() == "ready\n"
    started = time.monotonic()
    for process in running:
        assert process.stdin
        process.stdin.write("go\n")
        process.stdin.flush()
    told = [process.communicate(timeout=600)[0] for process in running]
    return time.monotonic() - started, [json.loads(text) for text in told]


def _worker(folder: Path, part: str) -> None:
    assets.deploy_module("site")  # loading the program is no part of what is measured
    print("ready", flush=True)
    sys.stdin.readline()
    opened = session.opened(session.Request(folder / "inventory"))
    with session.over(replace(opened, site=_site(folder))) as own:
        if part == "true":
            answers = own.fleet.run(dict.fromkeys(own.hosts, Script("true", timeout=120)))
            told = {"findings": len(answers)}
        else:
            report = _look(own, shards.parse(part, {}))
            (folder / f"report-{part.replace('/', '-')}.json").write_text(as_json.text(Looks((report,))))
            told = {"findings": len(report.findings)}
    print(json.dumps(told | {"kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}))


def _site(folder: Path) -> tuple[Phase, ...]:
    wanted = {str(folder / "there" / path.name): path.read_bytes() for path in sorted((folder / "wanted").iterdir())}
    probes = [*map(file.probe, wanted), *map(sysctl.probe, ground.SYSCTLS)]

    def changes(world: World, host: str) -> Any:
        seen = world.host(host)
        for path, content in wanted.items():
            before = file.read(seen, path)
            assert before is not None and all(sysctl.read(seen, key) for key in ground.SYSCTLS)
            yield from file.change("bench", host, before, replace(before, content=content))

    bench = Capability("bench", _never, probes=lambda cluster, host: probes, host_changes=changes)
    return (Phase(bench, hosts=("kube_control_plane", "kube_node")),)


def _never(*_: Any) -> None:
    raise AssertionError("nothing is changed here")


def _look(own: session.Session, shard: Shard) -> Report:
    part = shards.part(own.cluster, own.hosts, own.connections, (), shard)
    world = looking.look(own.site, own.cluster, part.seen, own.fleet, here=ThisMachine())
    plan = planning.make(own.site, world, own.hosts, own.started, own.warnings)
    if plan.incomplete:
        raise SystemExit(str(plan.incomplete[0]))
    mine = set(part.hosts)
    found = tuple(item for item in of_plan.findings(plan, "bench") if item.target in mine)
    return Report(
        plan.name,
        "bench",
        "2026-01-01T00:00:00Z",
        plan.seconds,
        "bench",
        {},
        part.hosts,
        part.whole,
        found,
        shard=shard,
    )


def _row(point: Point) -> str:
    times = "".join(f"{point.drift[count]:9.2f}" for count in SHARDS)
    each = point.drift[1] / point.hosts * 1000
    return f"{point.hosts:6}{point.base:9.2f}{times}{each:9.1f}{point.ratio:8.2f}{point.kib / 1024:9.1f}"


def _table(points: Sequence[Point]) -> str:
    head = f"{'hosts':>6}{'base s':>9}" + "".join(f"{f'{n} proc. s':>9}" for n in SHARDS)
    first, last = points[0], points[-1]
    rows = [f"{head}{'ms/host':>9}{'x base':>8}{'MB':>9}", *map(_row, points)]
    if last.hosts > first.hosts:
        each = (last.kib - first.kib) / 1024 / (last.hosts - first.hosts)
        rows += ["", f"Memory: {each:.2f} MB for each host more."]
    return "\n".join(rows)


WIDTH, HEIGHT, LEFT, BOTTOM = 640, 360, 56, 48
STYLE = (
    "text{font:13px sans-serif;fill:#24292f}path{fill:none;stroke-width:2}.grid{stroke:#d0d7de;stroke-width:1}"
    "rect{fill:#fff}@media(prefers-color-scheme:dark){text{fill:#e6edf3}rect{fill:#0d1117}.grid{stroke:#30363d}}"
)
COLOURS = ("#8c959f", "#0969da", "#1a7f37", "#bf8700")


def svg(points: Sequence[Point]) -> str:
    """Milliseconds a host over the number of hosts, which are spread evenly: they grow by about the same factor."""
    lines = {"connect + true": [point.base for point in points]}
    lines |= {f"drift, {n} process{'es' * (n > 1)}": [point.drift[n] for point in points] for n in SHARDS}
    each = {name: [s / p.hosts * 1000 for s, p in zip(of, points, strict=True)] for name, of in lines.items()}
    top = max(max(values) for values in each.values()) * 1.1
    xs = [LEFT + n * (WIDTH - LEFT - 190) / max(1, len(points) - 1) for n in range(len(points))]

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - value / top * (HEIGHT - BOTTOM - 36)

    step = next(s for s in (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000) if top / s <= 8)
    parts = [f'<text x="{LEFT}" y="20">ms for each host</text>']
    for value in range(0, int(top) + 1, step):
        parts.append(f'<path class="grid" d="M{LEFT} {y(value):.1f}H{WIDTH - 180}"/>')
        parts.append(f'<text x="{LEFT - 8}" y="{y(value) + 4:.1f}" text-anchor="end">{value}</text>')
    for x, point in zip(xs, points, strict=True):
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - BOTTOM + 20}" text-anchor="middle">{point.hosts:,}</text>')
    parts.append(f'<text x="{LEFT}" y="{HEIGHT - 6}">hosts</text>')
    for row, (colour, (name, values)) in enumerate(zip(COLOURS, each.items(), strict=True)):
        way = " ".join(f"{x:.1f},{y(value):.1f}" for x, value in zip(xs, values, strict=True))
        parts.append(f'<path stroke="{colour}" d="M{way}"/>')
        parts.append(f'<path stroke="{colour}" d="M{WIDTH - 172} {40 + 22 * row}h20"/>')
        parts.append(f'<text x="{WIDTH - 146}" y="{44 + 22 * row}">{name}</text>')
    body = "\n".join(parts)
    frame = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
    return f'{frame}\n<style>{STYLE}</style>\n<rect width="100%" height="100%"/>\n{body}\n</svg>\n'


if __name__ == "__main__":
    main()
