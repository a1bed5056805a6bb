"""--report: all that is wrong is said before a host is asked, and one file that cannot be written stops no other."""

from __future__ import annotations

import json
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision.problems import ProblemsFound
from k8snet_provision.reports.drift.forms import FORMS
from k8snet_provision.reports.drift.targets import Target, targets, write
from tests.program import Ran, run
from tests.reports.drift.samples import DRIFTED, QUIET, looks

HOSTS = "kube_control_plane: {hosts: {cp1: {ansible_host: 127.0.0.1, ansible_port: 1}}}\n"
TOPOLOGY = "topology: {service_cidr: 10.254.0.0/16, pod_cidr: 10.244.0.0/16}\n"


@pytest.fixture
def inventory(tmp_path: Path) -> Path:
    """One whose only host cannot be reached."""
    folder = tmp_path / "inventory"
    (folder / "group_vars").mkdir(parents=True)
    (folder / "hosts.yml").write_text(HOSTS)
    (folder / "group_vars" / "all.yml").write_text(TOPOLOGY)
    return folder


def drift(inventory: Path, *words: str, umask: int = 0o077) -> Ran:
    return run("drift", str(inventory), *words, umask=umask)


def problems(*words: str) -> list[str]:
    with pytest.raises(ProblemsFound) as found:
        targets(words)
    return [str(problem) for problem in found.value.problems]


def test_everything_that_is_wrong_is_said_at_once(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to("elsewhere")
    (tmp_path / "folder").mkdir()
    same = tmp_path / "folder" / ".." / "a"
    told = problems(
        "json", "yaml=x", "json=", f"json={tmp_path}/a", f"sarif={same}", f"json={tmp_path}/none/a",
        f"junit={tmp_path}/link", f"junit={tmp_path}/folder", "prometheus=/dev/null",
    )  # fmt: skip
    assert [line.split(": ")[1].split()[0] for line in told] == ["K8N751"] * 3 + ["K8N752"] * 4 + ["K8N753"]
    assert "found yaml=x, expected html, json, junit, prometheus" in told[1]
    for line, said in zip(
        told[3:], ["mkdir -p", "a link", "a directory", "/dev/null", "the sarif report"], strict=True
    ):
        assert said in line, line


@pytest.fixture
def everybodys() -> Iterator[Path]:
    """A directory that whoever is not root can come to; pytest's own are its user's alone."""
    with tempfile.TemporaryDirectory() as made:
        Path(made).chmod(0o755)
        yield Path(made)


def test_a_directory_that_may_not_be_written_is_told_before_a_host_is_asked(everybodys: Path) -> None:
    """As somebody who is not root, whom permissions stop."""
    script = (
        "import os, sys\n"
        "from k8snet_provision.reports.drift.targets import targets\n"
        "from k8snet_provision.problems import ProblemsFound\n"
        "os.setgroups([]); os.setgid(65534); os.setuid(65534)\n"
        "try: targets(sys.argv[1:])\n"
        "except ProblemsFound as found: print(found)\n"
    )
    said = subprocess.run(
        [sys.executable, "-c", script, f"json={everybodys}/a"], capture_output=True, text=True, timeout=60, check=True
    )
    assert said.stdout.startswith(f"{everybodys}/a: K8N752 the json report cannot be written: no permission"), said


def test_a_wrong_target_stops_before_the_inventory_is_read(tmp_path: Path) -> None:
    ran = drift(tmp_path / "there is none", "--report", "json=/nowhere/a", "--report", "b")
    assert ran.code == 1
    assert [line.split(": ")[1][:6] for line in ran.err.splitlines()] == ["K8N751", "K8N752"]


def test_several_outputs_of_one_look(tmp_path: Path, inventory: Path) -> None:
    words = [word for form in FORMS for word in ("--report", f"{form}={tmp_path}/{form}")]
    ran = drift(inventory, "--output", "json", *words)
    assert ran.code == 3, ran
    assert (tmp_path / "json").read_text() == ran.out
    (report,) = json.loads(ran.out)["reports"]
    assert report["incomplete"][0]["target"] == "cp1"
    modes = {form: stat.S_IMODE((tmp_path / form).stat().st_mode) for form in FORMS}
    assert modes == {form: 0o644 if form == "prometheus" else 0o600 for form in FORMS}
    assert {path.name for path in tmp_path.iterdir()} == {"inventory", *FORMS}


def test_a_file_is_replaced_whole(tmp_path: Path) -> None:
    """Whoever has the old one open reads the old one to its end."""
    file = tmp_path / "drift.prom"
    wanted = targets([f"prometheus={file}"])
    assert write(wanted, looks(DRIFTED)) == []
    with file.open() as reading:
        first = reading.read(10)
        assert write(wanted, looks(QUIET)) == []
        assert first + reading.read() == FORMS["prometheus"].text(looks(DRIFTED))
    assert file.read_text() == FORMS["prometheus"].text(looks(QUIET))


def test_what_cannot_be_written_is_told_and_the_others_are_written(tmp_path: Path) -> None:
    """The directory goes away while the hosts are asked."""
    gone, stays = tmp_path / "gone" / "a", tmp_path / "b"
    (problem,) = write([Target("json", gone), Target("sarif", stays)], looks(QUIET))
    assert str(problem).startswith(f"{gone}: K8N754 the json report cannot be written: No such file or directory")
    assert stays.read_text() == FORMS["sarif"].text(looks(QUIET))


def test_a_full_disk_leaves_the_old_file_and_exit_code_1(tmp_path: Path, inventory: Path) -> None:
    """As a limit on the size of files, which ends writing as a full disk does."""
    (tmp_path / "drift.json").write_text("the old one")
    command = f"ulimit -f 1; exec {sys.executable} -B -m k8snet_provision drift {inventory} --report"
    ran = subprocess.run(
        ["bash", "-c", f"{command} json={tmp_path}/drift.json --report sarif={tmp_path}/drift.sarif"],
        capture_output=True, text=True, timeout=120, check=False,
    )  # fmt: skip
    assert ran.returncode == 1, ran
    assert "K8N754" in ran.stderr and "in sync" not in ran.stdout and "cp1" in ran.stdout
    assert (tmp_path / "drift.json").read_text() == "the old one"
