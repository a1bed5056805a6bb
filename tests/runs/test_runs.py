"""A run on the operator's machine and on hosts: kept before anything changes, read again whatever happened."""

from __future__ import annotations

import json
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.engine.fleet import Fleet
from k8snet_provision.plan import Plan
from k8snet_provision.problems import ProblemsFound
from k8snet_provision.runs import journal, local, mirror, model
from k8snet_provision.runs.model import Event, State
from k8snet_provision.saved_plan.model import RestsOn, SavedPlan
from tests.engine.sshd import Sshd

FILE = Change("kubelet", "h1", Kind.FILE, "/etc/x", "old\n", "new\n", {"before_sha256": "0"})
SECRET = Change(
    "ingresses", CLUSTER, Kind.OBJECT, "Secret demo/tls", "x", "y", {"before_manifest": '{"data": 1}'}, secret=True
)
OTHER = Change("kubelet", "h2", Kind.SYSCTL, "net.x", "0", "1")
SAVED = SavedPlan(
    tool="1", made_by="a@b", made_at="2026-11-21T02:00:00Z", inventory="/i", limit="", tags="", extra_vars=(),
    rests_on=RestsOn({}, {}, {}), paces={}, secrets={}, plan=Plan("lab", {}, (FILE, OTHER, SECRET)),
)  # fmt: skip


@pytest.fixture(autouse=True)
def places(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.setattr(mirror, "MIRROR", str(tmp_path / "mirror"))


@pytest.fixture
def fleet(sshd: Sshd) -> Iterator[Fleet]:
    with Fleet({name: sshd.connection(name, f"127.0.9.{name[1:]}") for name in ("h1", "h2")}) as fleet:
        yield fleet


def begin(fleet: Fleet) -> journal.Journal:
    return journal.begin(fleet, ["h1"], "h1", SAVED, "apply", Path("/i"))


def modes(directory: Path) -> set[str]:
    return {oct(stat.S_IMODE(path.stat().st_mode)) for path in [directory, *directory.rglob("*")]}


def test_a_run_is_read_again_as_it_was_told(fleet: Fleet) -> None:
    told = begin(fleet)
    assert told.begins("kubelet", {"h1": [FILE]}) == {}
    told.step("h1", "write /etc/x", "started")
    told.step("h1", "write /etc/x", "done")
    told.passed("kubelet", "h1", 1.25)
    assert local.read(told.run_id).state is State.UNDER_WAY
    told.ended(State.DONE)
    (run,) = local.runs_of(Path("/i"))
    assert (run.id, run.state, run.verb, run.begun) == (told.run_id, State.DONE, "apply", (("kubelet", "h1"),))
    assert run.timings == {("kubelet", "h1"): 1.25}
    assert run.changes == (FILE,)
    assert [e.event for e in run.events if e.step] == ["step_started", "step_done"]


def test_it_is_for_the_operator_and_for_root_only(fleet: Fleet) -> None:
    begin(fleet).begins("kubelet", {"h1": [FILE], "h2": [OTHER]})
    for root in (local.root(), Path(mirror.MIRROR)):
        assert modes(root) <= {"0o700", "0o600"}


def test_a_control_plane_knows_as_much(fleet: Fleet) -> None:
    told = begin(fleet)
    told.begins("kubelet", {"h1": [FILE]})
    told.ended(State.FAILED)
    (run,) = mirror.on_hosts(fleet, ["h1", "h2"])
    assert run.events == local.read(told.run_id).events
    assert run.saved.plan.changes[:2] == SAVED.plan.changes[:2]


def test_what_a_secret_was_is_on_control_planes_only(fleet: Fleet) -> None:
    told = begin(fleet)
    assert mirror.secrets(fleet, "h1", told.run_id) == {SECRET.address: {"data": 1}}
    kept = b"".join(path.read_bytes() for path in local.root().rglob("*") if path.is_file())
    assert b"data" not in kept


def test_a_host_has_its_own_changes_before_it_is_changed(fleet: Fleet) -> None:
    told = begin(fleet)
    told.begins("kubelet", {"h2": [OTHER]})
    (own,) = json.loads((Path(told.steps_dir) / "host.json").read_text())
    assert (own["target"], own["name"]) in (("h2", "net.x"), ("h1", "/etc/x"))


def test_nothing_begins_where_the_journal_cannot_be_kept(fleet: Fleet) -> None:
    Path(mirror.MIRROR).write_text("in the way")
    with pytest.raises(ProblemsFound) as refused:
        begin(fleet)
    assert [(p.code, p.where) for p in refused.value.problems] == [("K8N420", "h1")]


def test_a_batch_does_not_begin_on_a_full_disk(fleet: Fleet, tmp_path: Path) -> None:
    told = begin(fleet)
    events = local.root() / told.run_id / local.EVENTS
    events.unlink()
    events.symlink_to("/dev/full")
    why = told.begins("kubelet", {"h1": [FILE], "h2": [OTHER]})
    assert set(why) == {"h1", "h2"}
    assert "No space left on device" in why["h1"]


def test_a_killed_run_was_cut_short() -> None:
    text = (
        "import time; from pathlib import Path; from tests.runs.test_runs import SAVED\n"
        "from k8snet_provision.runs import journal; from k8snet_provision.engine.fleet import Fleet\n"
        "journal.begin(Fleet({}), [], '', SAVED, 'apply', Path('/i')).step('h1', 'x', 'started')\n"
        "print('begun', flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, env=os.environ) as program:
        assert program.stdout and program.stdout.readline() == b"begun\n"
        (run,) = local.runs()[0]
        states = [run.state]
        program.send_signal(signal.SIGKILL)
        program.wait(10)
    assert [*states, run.state] == [State.UNDER_WAY, State.CUT_SHORT]


def test_the_line_that_was_being_written_is_no_event() -> None:
    whole = Event(model.now(), "begun", text="apply").line()
    assert len(model.events(whole + whole[:-9])) == 1
    with pytest.raises(ValueError, match="line 1"):
        model.events(whole[:-9] + b"\n" + whole)


def test_a_damaged_run_is_told_beside_the_others(fleet: Fleet) -> None:
    told, other = begin(fleet), begin(fleet)
    (local.root() / other.run_id / local.EVENTS).write_text("nonsense\n\n")
    runs, problems = local.runs()
    assert [run.id for run in runs] == [told.run_id]
    assert [problem.code for problem in problems] == ["K8N425"]


@pytest.mark.parametrize("name", ["", "../../etc", "20261121T020013Z-3f2a", "x" * 5000])
def test_an_unknown_run_is_one_message(name: str) -> None:
    with pytest.raises(ProblemsFound) as unknown:
        local.read(name)
    assert [problem.code for problem in unknown.value.problems] == ["K8N421"]


def test_elder_runs_go_when_there_are_too_many(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(local, "KEPT", 2)
    monkeypatch.setattr(mirror, "KEPT", 2)
    ids = []
    for second in range(4):
        monkeypatch.setattr(model, "new_id", lambda n=second: f"20261121T02000{n}Z-aaaa")
        told = begin(fleet)
        told.ended(State.DONE)
        ids.append(told.run_id)
    assert [run.id for run in local.runs()[0]] == ids[:0:-1]
    assert sorted(path.name for path in Path(mirror.MIRROR).iterdir()) == ids[2:]
