"""The service and the timer, as systemd itself judges them."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest

from k8snet_provision.problems import ProblemsFound
from k8snet_provision.scheduling import every, units
from k8snet_provision.scheduling.units import Schedule

ODD = Path('/srv/a "b" 100% $HOME \\n;x')

EXPOSURE = 1.5
"""Of ten, as `systemd-analyze security` counts; a service without any hardening has 9.6."""


def schedule(inventory: Path = Path("/etc/fleet/prod"), calendar: str = "", **changes: object) -> Schedule:
    command = units.command(("/usr/bin/python3", "-m", "k8snet_provision"), inventory, ["-e", "a=b $c %n\n\"d\" 'e'"])
    return Schedule("prod", inventory, 900, calendar, command, **changes)  # type: ignore[arg-type]


def written(tmp_path: Path, asked: Schedule) -> list[Path]:
    paths = [tmp_path / name for name in units.texts(asked)]
    for path, text in zip(paths, units.texts(asked).values(), strict=True):
        path.write_text(text)
    return paths


@pytest.mark.parametrize(
    "asked",
    [
        schedule(),
        schedule(calendar="Mon..Fri *-*-* 02:30:00"),
        schedule(ODD, writes=(Path("/srv/out put 5%"), Path("/var/lib/node_exporter"))),
    ],
    ids=["seconds", "calendar", "odd names"],
)
def test_systemd_finds_no_fault_with_them(tmp_path: Path, asked: Schedule) -> None:
    command = ["systemd-analyze", "verify", "--man=no", *map(str, written(tmp_path, asked))]
    ran = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (ran.returncode, ran.stdout, ran.stderr) == (0, "", "")


def test_systemd_counts_hardly_any_exposure(tmp_path: Path) -> None:
    service, _ = written(tmp_path, schedule(reads=(Path("/home/ada/inventory"),), writes=(Path("/srv/out"),)))
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", str(service)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", said)
    assert found and float(found[1]) <= EXPOSURE, said


def test_homes_are_seen_only_where_something_of_it_is_there() -> None:
    def home(**changes: object) -> str:
        (line,) = re.findall("^ProtectHome=(.*)$", units.texts(schedule(**changes))["k8snet-drift-prod.service"], re.M)
        return str(line)

    assert home(reads=(Path("/etc/fleet/prod"), Path("/opt/k8snet"))) == "yes"
    assert home(reads=(Path("/home/ada/inventory"),)) == "read-only"
    assert home(writes=(Path("/root/out"),)) == "read-only"


@pytest.mark.parametrize("inventory", [Path("/etc/fleet/prod"), ODD])
def test_a_service_tells_whose_it_is(inventory: Path) -> None:
    text = units.texts(schedule(inventory))["k8snet-drift-prod.service"]
    assert units.installed(text) == (inventory, 900)
    assert units.installed("[Service]\nExecStart=/bin/true\n") is None


@pytest.mark.parametrize(
    ("asked", "seconds", "calendar"),
    [
        ("15m", 900, ""),
        ("1h30m", 5400, ""),
        ("daily", 86400, "daily"),
        ("Mon..Fri 06:00", 3 * 86400, "Mon..Fri 06:00"),
        ("*:0/10", 600, "*:0/10"),
    ],
)
def test_how_often_is_a_duration_or_a_calendar_whose_longest_gap_counts(
    asked: str, seconds: int, calendar: str
) -> None:
    assert every.read(asked) == (seconds, calendar)


@pytest.mark.parametrize("asked", ["", "59s", "8h7d", "often", "2026-01-01 00:00", "30:00", "200h", "--help"])
def test_what_is_no_time_is_told(asked: str) -> None:
    with pytest.raises(ProblemsFound) as found:
        every.read(asked)
    assert [problem.code for problem in found.value.problems] == ["K8N768"]
