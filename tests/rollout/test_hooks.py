"""What the operator's commands before and after a phase may stop: over a real sshd."""

from __future__ import annotations

import json
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import pytest

from k8snet_provision.change import Change
from k8snet_provision.hooks import Local
from k8snet_provision.rollout import HOOK, WHOLE_RUN
from k8snet_provision.topology.hooks import Hooks
from tests.rollout.sites import HOSTS, NEW, OLD, Site, refuses_new

pytestmark = pytest.mark.programs


@dataclass
class Asked:
    """Hooks that say what they are told to say."""

    before_says: Mapping[str, str] = field(default_factory=dict)
    after_says: Mapping[str, str] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)

    def before(self, phase: str, changes: Sequence[Change]) -> str:
        self.lines.append(f"before {phase} {len(changes)}")
        return self.before_says.get(phase, "")

    def after(self, phase: str, changes: Sequence[Change], failures: Mapping[str, str]) -> str:
        self.lines.append(f"after {phase} {len(changes)} {' '.join(failures)}".rstrip())
        return self.after_says.get(phase, "")


def two(site: Site, bad: str = "") -> dict[str, object]:
    return {
        "phases": [site.phase("files", refuses_new(site, bad), at_once=1), site.phase("later")],
        "changes": [*site.changes("files"), *site.marks("later")],
    }


def test_they_come_around_each_phase_and_around_the_run(site: Site) -> None:
    hooks = Asked()
    assert site.run(**two(site), hooks=hooks).ok
    assert hooks.lines == [
        "before * 8",
        *("before files 4", "after files 4"),
        *("before later 4", "after later 4"),
        "after * 8",
    ]


def test_a_phase_that_its_hook_refuses_is_not_begun(site: Site) -> None:
    hooks = Asked(before_says={"later": "nobody is paged"})
    outcome = site.run(**two(site), hooks=hooks, max_failures=9)
    assert outcome.failures == {"later": {HOOK: "nobody is paged"}}
    assert hooks.lines[-2:] == ["before later 4", "after * 8 hook"]
    assert [change.target for change in outcome.untouched] == list(HOSTS)
    assert set(site.contents().values()) == {NEW}
    assert (site.marked("later"), outcome.put_back) == ([], [])
    assert site.told.lines[-1] == "failed hook"


def test_a_run_that_its_hook_refuses_is_not_begun(site: Site) -> None:
    hooks = Asked(before_says={WHOLE_RUN: "not now"})
    outcome = site.run(**two(site), hooks=hooks)
    assert outcome.failures == {WHOLE_RUN: {HOOK: "not now"}}
    assert hooks.lines == ["before * 8"]
    assert len(outcome.untouched) == 8
    assert set(site.contents().values()) == {OLD}


def test_a_hook_that_fails_afterwards_stops_the_next_phase_and_puts_nothing_back(site: Site) -> None:
    hooks = Asked(after_says={"files": "alerts are still silent"})
    outcome = site.run(**two(site), hooks=hooks, max_failures=9)
    assert outcome.failures == {"files": {HOOK: "alerts are still silent"}}
    assert set(site.contents().values()) == {NEW}
    assert [change.phase for change in outcome.done] == ["files"] * 4
    assert [change.phase for change in outcome.untouched] == ["later"] * 4
    assert hooks.lines[-1] == "after * 8 hook"


def test_the_hook_after_a_failed_phase_is_told_who_failed(site: Site) -> None:
    hooks = Asked()
    outcome = site.run(**two(site, "h2"), hooks=hooks)
    assert not outcome.ok
    assert hooks.lines == ["before * 8", "before files 4", "after files 4 h2", "after * 8 h2"]


def test_hooks_are_told_of_those_that_take_part(site: Site) -> None:
    hooks = Asked()
    site.run(**two(site, "h2"), hooks=hooks, max_failures=1)
    assert hooks.lines[3:5] == ["before later 3", "after later 3"]


@pytest.mark.parametrize("when", ["before", "after"])
def test_an_interrupt_during_a_hook_stops_there(site: Site, when: str) -> None:
    class Cut(Asked):
        def before(self, phase: str, changes: Sequence[Change]) -> str:
            return self._cut("before", phase)

        def after(self, phase: str, changes: Sequence[Change], failures: Mapping[str, str]) -> str:
            return self._cut("after", phase)

        def _cut(self, now: str, phase: str) -> str:
            if (now, phase) == (when, "files"):
                raise KeyboardInterrupt
            return ""

    outcome = site.run(**two(site), hooks=Cut())
    assert outcome.interrupted
    assert outcome.left_broken == {}
    assert [change.phase for change in outcome.done] == ([] if when == "before" else ["files"] * 4)


def test_a_real_command_that_fails_stops_its_phase(site: Site) -> None:
    words = ["sh", "-c", "cat >told; echo nobody is paged; exit 1"]
    commands = {"before": {"later": words}}
    hooks = Local(Hooks.model_validate(commands), site.root, "prod", "ID", site.told.said)
    outcome = site.run(**two(site), hooks=hooks)
    why = f"the command before later, {shlex.join(words)}, ended with status 1: nobody is paged"
    assert outcome.failures == {"later": {HOOK: why}}
    assert "said nobody is paged" in site.told.lines
    assert (site.marked("later"), set(site.contents().values())) == ([], {NEW})
    assert [change["target"] for change in json.loads((site.root / "told").read_text())["changes"]] == list(HOSTS)
