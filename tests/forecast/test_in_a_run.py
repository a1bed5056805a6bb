"""The forecast of a real run: told before it, compared after it, and taught by it for the next one."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from k8snet_provision import workflow
from k8snet_provision.cli import asking
from k8snet_provision.cli.asking import Asking, print_ended
from k8snet_provision.cli.options import Output
from k8snet_provision.forecast import Forecast
from k8snet_provision.reports.progress import ConsoleProgress
from k8snet_provision.runs import mirror
from k8snet_provision.workflow import Session
from tests.engine.sshd import Sshd
from tests.test_saved_plan import Host


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sshd]:
    started = Sshd(tmp_path_factory.mktemp("sshd"), ("127.0.11.9",)).start()
    yield started
    started.stop()


@pytest.fixture
def host(server: Sshd, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    monkeypatch.setattr(mirror, "MIRROR", str(tmp_path / "mirror"))
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    return Host(tmp_path, server)


def foretold(host: Host) -> Forecast:
    def work(session: Session) -> Any:
        looked = workflow.diff(session)
        return workflow.foretold(session, looked.plan, looked.around.runs)

    found = host.with_session(work)
    assert isinstance(found, Forecast)
    return found


def applied(host: Host, output: Output, monkeypatch: pytest.MonkeyPatch) -> str:
    """What `apply --yes` prints on stdout."""
    said = io.StringIO()
    monkeypatch.setattr(asking, "out", lambda: Console(file=said, highlight=False))
    monkeypatch.setattr("builtins.print", lambda text: said.write(f"{text}\n"))

    def work(session: Session) -> None:
        progress = ConsoleProgress(Console(file=io.StringIO()), quiet=True)
        agreed = Asking(session, progress, output, show=True, yes=True)
        plan, ended = workflow.apply(session, progress, agreed)
        assert ended is not None
        print_ended(plan, agreed.foretold, ended, output, "inventory")

    host.with_session(work)
    return said.getvalue()


def test_a_run_teaches_the_next_forecast(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    before = foretold(host)
    assert [(row.phase, row.targets, row.basis) for row in before.rows] == [
        ("before the first batch", ("",), "lab's default"),
        ("settings", ("w1",), "no figure yet"),
    ]
    said = json.loads(applied(host, Output.JSON, monkeypatch))
    assert said["forecast"]["rows"][1]["seconds"] is None
    took = [row["seconds"] for row in said["actual"]["rows"]]
    assert 0 <= took[1] < 60
    host.path.write_bytes(b"old\n")
    after = foretold(host)
    assert [row.seconds for row in after.rows] == pytest.approx(took, abs=0.11)
    assert ({row.basis for row in after.rows}, after.batches) == ({"1 run here"}, 1)


def test_apply_prints_the_forecast_below_the_plan_and_the_actual_at_its_end(
    host: Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = applied(host, Output.TEXT, monkeypatch).splitlines()
    heads = [line for line in lines if line in ("forecast", "forecast and actual")]
    assert heads == ["forecast", "forecast and actual"]
    assert lines.index("forecast") > next(n for n, line in enumerate(lines) if line.startswith("1 change on 1 host"))
    assert next(line for line in lines if line.startswith("  settings ")).split()[:3] == ["settings", "w1", "?"]


def test_a_saved_plan_holds_after_a_run_that_taught_another_figure(host: Host, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = host.save()
    applied(host, Output.JSON, monkeypatch)
    host.path.write_bytes(b"old\n")
    assert host.with_session(lambda session: workflow.diff(session).plan.changes, kept) == kept.plan.changes
