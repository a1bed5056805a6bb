"""--accept: what it takes, where it writes, and that nothing else in the file changes."""

from __future__ import annotations

import getpass
import json
import stat
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from pathlib import Path

import gevent
import pytest

from k8snet_provision import inventory
from k8snet_provision.drift import Acceptance, Report, accepting, exceptions
from k8snet_provision.drift.accepting import Asked
from k8snet_provision.problems import ProblemsFound
from tests.drift.reports import IN_CLUSTER, ON_CP1, ON_NODE1, report
from tests.program import run

HOSTS = "kube_control_plane: {hosts: {cp1: }}\nkube_node: {hosts: {node1: }}\n"
LOOK = report(ON_CP1, ON_NODE1)
TODAY = date(2026, 11, 29)
WITH_COMMENTS = """\
# of the whole cluster
topology:   # every key: docs/topology.md
    service_cidr: 10.254.0.0/16   # since May
    dns: {replicas: 2}
other: 'kept'
# the end
"""


def make(folder: Path, files: dict[str, str]) -> Path:
    for name, text in {"hosts.yml": HOSTS, **files}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text)
    return folder


def accept(path: Path, *marks: str, until: str = "2026-12-31", seen: Report = LOOK) -> list[Acceptance]:
    """Accepts, and gives what the inventory says then, which is also what was given back."""
    entries, problems = exceptions.read(inventory.load(path))
    assert problems == []
    given = accepting.accept(seen, Asked(marks, until, 'it\'s "known": #7'), path, entries)
    entries, problems = exceptions.read(inventory.load(path))
    assert problems == []
    assert {item.acceptance.fingerprint: item.acceptance for item in given} == {
        item.acceptance.fingerprint: item.acceptance for item in entries
    }
    return [entry.acceptance for entry in entries]


def refused(path: Path, *marks: str, seen: Report = LOOK) -> list[str]:
    before = {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()}
    with pytest.raises(ProblemsFound) as found:
        accept(path, *marks, seen=seen)
    assert {file: file.read_bytes() for file in path.parent.rglob("*") if file.is_file()} == before
    return [str(problem) for problem in found.value.problems]


def test_what_was_accepted_is_in_the_inventory_with_everything_git_should_know(tmp_path: Path) -> None:
    (kept,) = accept(make(tmp_path, {}), ON_CP1.fingerprint[:6])
    assert kept == Acceptance(
        ON_CP1.fingerprint, "2026-12-31", "it's \"known\": #7", getpass.getuser(), LOOK.started,
        "K8N700 cp1: file /etc/x",
    )  # fmt: skip
    assert (tmp_path / "group_vars/all/drift-accepted.yml").read_text().startswith("# ")


def test_several_at_once_and_more_later(tmp_path: Path) -> None:
    gevent.sleep(0)  # as in a process that has spoken to hosts
    make(tmp_path, {"group_vars/all/topology.yml": WITH_COMMENTS})
    accept(tmp_path, ON_CP1.fingerprint, ON_NODE1.fingerprint)
    kept = accept(tmp_path, IN_CLUSTER.fingerprint, seen=report(IN_CLUSTER))
    assert [item.fingerprint for item in kept] == [found.fingerprint for found in (ON_CP1, ON_NODE1, IN_CLUSTER)]
    assert (tmp_path / "group_vars/all/topology.yml").read_text() == WITH_COMMENTS


def test_accepted_again_is_accepted_for_longer(tmp_path: Path) -> None:
    make(tmp_path, {})
    accept(tmp_path, ON_CP1.fingerprint, ON_NODE1.fingerprint)
    kept = accept(tmp_path, ON_CP1.fingerprint, until="2027-06-30")
    assert [item.until for item in kept] == ["2027-06-30", "2026-12-31"]


@pytest.mark.parametrize("name", ["group_vars/all.yml", "group_vars/all.yaml", "group_vars/all"])
def test_where_group_all_is_one_file_it_goes_into_that_one(tmp_path: Path, name: str) -> None:
    """Ansible reads a directory `all` or a file `all.yml`, never both."""
    accept(make(tmp_path, {name: WITH_COMMENTS}), ON_CP1.fingerprint)
    text = (tmp_path / name).read_text()
    assert text.startswith(WITH_COMMENTS) and text != WITH_COMMENTS
    assert not (tmp_path / "group_vars/all/drift-accepted.yml").exists()


def test_beside_an_inventory_of_one_file(tmp_path: Path) -> None:
    make(tmp_path, {})
    (kept,) = accept(tmp_path / "hosts.yml", ON_CP1.fingerprint)
    assert kept.fingerprint == ON_CP1.fingerprint


@pytest.mark.parametrize(
    "text",
    [
        WITH_COMMENTS + f"""\
drift_accepted:   # asked Ada
# first
- fingerprint: "{ON_NODE1.fingerprint}"   # that one
  until: 2026-12-01   # a date as YAML has it
  # in between
  reason: >-
    folded
    text
zebra: 1   # after it
""",
        f'drift_accepted:\n    - {{fingerprint: "{ON_NODE1.fingerprint}", until: "2026-12-01", reason: x}}  # one\n',
        f'drift_accepted: [{{fingerprint: "{ON_NODE1.fingerprint}", until: "2026-12-01", reason: x}}]  # flow\n',
        "drift_accepted: []   # none yet\nzebra: 1\n",
        "drift_accepted:   # none yet\nzebra: 1\n",
        "drift_accepted: ~   # none yet",
        "---\n# only this\n",
        "---\na: 1",
        "a: 1\r\nb: 2\r\n",
    ],
    ids=["block", "flow items", "flow", "empty", "nothing", "null", "comments", "no newline at the end", "CRLF"],
)  # fmt: skip
def test_comments_and_everything_else_stay(tmp_path: Path, text: str) -> None:
    file = make(tmp_path, {}) / "group_vars" / "all.yml"
    file.parent.mkdir()
    file.write_bytes(text.encode())
    before = dict(inventory.load(tmp_path).hosts["cp1"].vars)
    accept(tmp_path, ON_CP1.fingerprint)
    accept(tmp_path, ON_NODE1.fingerprint)
    after = dict(inventory.load(tmp_path).hosts["cp1"].vars)
    assert {item["fingerprint"] for item in after.pop("drift_accepted")} == {ON_CP1.fingerprint, ON_NODE1.fingerprint}
    before.pop("drift_accepted", None)
    assert after == before
    now = file.read_bytes().decode()
    for comment in [part for line in text.splitlines() for mark, part in [line.partition("#")[1:]] if mark]:
        assert f"#{comment}" in now
    assert ("\r\n" in text) == ("\r\n" in now)


def test_ansible_reads_it_as_it_is_meant(tmp_path: Path) -> None:
    make(tmp_path, {"group_vars/all.yml": WITH_COMMENTS})
    (kept,) = accept(tmp_path, ON_CP1.fingerprint)
    program = Path(sys.executable).with_name("ansible-inventory")
    ran = subprocess.run([program, "-i", tmp_path, "--host", "cp1"], capture_output=True, check=True, timeout=60)
    (entry,) = json.loads(ran.stdout)["drift_accepted"]
    assert Acceptance(**entry) == kept


def test_the_file_keeps_its_mode_and_a_link_stays_one(tmp_path: Path) -> None:
    make(tmp_path, {"shared.yml": WITH_COMMENTS, "group_vars/keep": ""})
    (tmp_path / "shared.yml").rename(tmp_path / "shared.md")  # a name that is no inventory
    (tmp_path / "shared.md").chmod(0o640)
    link = tmp_path / "group_vars" / "all.yml"
    link.symlink_to("../shared.md")
    accept(tmp_path, ON_CP1.fingerprint)
    assert link.is_symlink() and stat.S_IMODE((tmp_path / "shared.md").stat().st_mode) == 0o640


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"group_vars/all.json": "{}"}, "group_vars/all.json: K8N764 is JSON"),
        ({"group_vars/all.yml": "{a: 1}\n"}, "group_vars/all.yml:1: K8N764 cannot hold the exceptions: it is written"),
        (
            {"hosts.yml": HOSTS + "all: {vars: {drift_accepted: [{fingerprint: 0123456789abcdef, until: 2027-01-01, "
                                  "reason: x}]}}\n"},
            "hosts.yml:3: K8N764 holds drift_accepted, where --accept cannot add to it",
        ),
        (
            {"group_vars/all.yml": "x: &it []\ndrift_accepted: *it\n"},
            "group_vars/all.yml:1: K8N764 cannot hold the exceptions: the value is shared by the anchor",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_edited_is_left_alone(tmp_path: Path, files: dict[str, str], said: str) -> None:
    (line,) = refused(make(tmp_path, files), ON_CP1.fingerprint)
    assert line.startswith(f"{tmp_path}/{said}")


def test_what_the_look_did_not_find_is_refused_all_at_once(tmp_path: Path) -> None:
    make(tmp_path, {})
    accept(tmp_path, ON_CP1.fingerprint)
    lines = refused(tmp_path, "000000", ON_CP1.fingerprint, ON_NODE1.fingerprint[:6], seen=report(ON_NODE1))
    assert len(lines) == 2
    assert "names nothing that this look found (found 000000)" in lines[0]
    assert "whose finding is not there" in lines[1] and "drift-accepted.yml:3" in lines[1]


def test_a_beginning_that_two_fingerprints_have_is_refused(tmp_path: Path) -> None:
    class Alike(type(ON_CP1)):  # type: ignore[misc]
        fingerprint = ON_CP1.fingerprint[:8] + "0" * 8

    (line,) = refused(make(tmp_path, {}), ON_CP1.fingerprint[:8], seen=report(ON_CP1, Alike(**vars(ON_NODE1))))
    assert "begins several" in line and Alike.fingerprint in line and ON_CP1.fingerprint in line


@pytest.mark.parametrize(
    ("marks", "until", "reason", "said"),
    [
        ([], "2026-12-31", "", ["go with --accept", "--reason"]),
        (["xyz"], "2026-12-31", "known", ["--accept takes a fingerprint"]),
        (["12345"], "2026-12-31", "known", ["--accept takes a fingerprint"]),
        (["123456"], "2026-11-28", "known", ["--until has passed"]),
        (["123456"], "31.12.2026", "known", ["YYYY-MM-DD"]),
        (["123456"], "2026-02-30", "known", ["YYYY-MM-DD"]),
        (["123456"], "", " ", ["YYYY-MM-DD", "--reason"]),
    ],
)
def test_what_makes_no_sense_is_told_at_once(marks: Sequence[str], until: str, reason: str, said: list[str]) -> None:
    with pytest.raises(ProblemsFound) as found:
        accepting.asked(marks, until, reason, TODAY)
    lines = [str(problem) for problem in found.value.problems]
    assert len(lines) == len(said)
    assert all(words in line for words, line in zip(said, lines, strict=True))


def test_nothing_asked_is_nothing_accepted() -> None:
    assert accepting.asked([], "", "", TODAY) is None
    assert accepting.asked(["ABCDEF", "abcdef"], "2026-11-29", " known ", TODAY) == Asked(
        ("abcdef",), "2026-11-29", "known"
    )


def test_the_command_refuses_before_any_host_is_asked(tmp_path: Path) -> None:
    ran = run("drift", str(make(tmp_path, {})), "--accept", "123456", "--until", "yesterday")
    assert (ran.code, len(ran.err.splitlines())) == (1, 2), ran
