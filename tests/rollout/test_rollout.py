"""A roll-out over a real sshd: order, batches, gates, what is put back and what is named."""

from __future__ import annotations

import threading
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import pytest

from k8snet_provision.capability import NEVER, Gate, Together
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.rollout import CUT_SHORT
from k8snet_provision.seen import World
from tests.engine.sshd import Sshd
from tests.rollout.sites import HOSTS, NEW, OLD, Site, follows, reads, refuses_new

pytestmark = pytest.mark.programs


def test_batches_follow_each_other_through_their_gate(site: Site) -> None:
    outcome = site.run([site.phase("files", follows(site))], site.changes("files"))
    assert site.told.lines == [
        "phase files 4",
        *("batch h1 h2", "waiting for the content on h1 h2", "passed h1", "passed h2"),
        *("batch h3 h4", "waiting for the content on h3 h4", "passed h3", "passed h4"),
    ]
    assert outcome.ok
    assert [change.target for change in outcome.done] == list(HOSTS)
    assert set(site.contents().values()) == {NEW}


def test_the_cluster_comes_before_the_hosts_of_its_phase(site: Site) -> None:
    made = str(site.root / "object")
    everything = [*site.changes("files"), Change("files", CLUSTER, Kind.OBJECT, made, None, "made")]
    outcome = site.run([site.phase("files", at_once="100%")], everything)
    assert [line for line in site.told.lines if line.startswith("batch")] == ["batch cluster", "batch h1 h2 h3 h4"]
    assert Path(made).read_text() == "made"
    assert outcome.done[0].target == CLUSTER


def test_phases_keep_the_order_of_the_site_table(site: Site) -> None:
    phases = [site.phase("first"), site.phase("second"), site.phase("empty")]
    site.run(phases, [*site.changes("second", ["h2"]), *site.changes("first", ["h1"])])
    assert [line for line in site.told.lines if line.startswith("phase")] == ["phase first 1", "phase second 1"]


def test_a_batch_whose_gate_fails_is_put_back_and_the_rest_is_left_alone(site: Site) -> None:
    phases = [site.phase("files", refuses_new(site, "h2"), at_once=1), site.phase("later")]
    later = Change("later", "h4", Kind.OBJECT, str(site.root / "later"), None, "made")
    outcome = site.run(phases, [*site.changes("files"), later])
    assert not outcome.ok
    assert outcome.failures == {"files": {"h2": "waited 1 s for health; last seen: it is not well"}}
    assert [change.target for change in outcome.done] == ["h1"]
    assert [change.target for change in outcome.put_back] == ["h2"]
    assert [change.address for change in outcome.untouched] == [
        *(f"{host}:file:{site.path(host)}" for host in ("h3", "h4")),
        later.address,
    ]
    assert outcome.left_broken == {}
    assert site.contents() == {"h1": NEW, "h2": OLD, "h3": OLD, "h4": OLD}
    assert not (site.root / "later").exists()


def test_a_whole_batch_goes_back_for_one_host_of_it(site: Site) -> None:
    outcome = site.run([site.phase("files", refuses_new(site, "h2"))], site.changes("files"))
    assert {change.target for change in outcome.put_back} == {"h1", "h2"}
    assert set(site.contents().values()) == {OLD}
    assert site.told.lines[-1] == "waiting for health on h2"  # the old state has to pass the same gate


def test_a_gate_that_knows_better_is_not_waited_for(site: Site) -> None:
    gate = refuses_new(site, "h1", code=NEVER, deadline=60)
    outcome = site.run([site.phase("files", gate)], site.changes("files"))
    assert outcome.failures == {"files": {"h1": "health: it is not well"}}
    assert outcome.seconds < 30


def test_what_does_not_come_back_is_said(site: Site) -> None:
    never = Gate("a wonder", lambda world, host, changes: "echo still nothing; exit 1", deadline=0.5)
    outcome = site.run([site.phase("files", never, at_once=1)], site.changes("files"))
    assert outcome.left_broken == {"h1": "waited 0.5 s for a wonder; last seen: still nothing"}
    assert outcome.put_back == []
    assert site.contents()["h1"] == OLD


def test_a_file_that_moved_since_the_plan_is_not_overwritten(site: Site) -> None:
    site.path("h1").write_bytes(b"edited by hand\n")
    outcome = site.run([site.phase("files", at_once=1)], site.changes("files"))
    assert "changed since it was observed" in outcome.failures["files"]["h1"]
    assert "changed since it was observed" in outcome.left_broken["h1"]
    assert site.contents() == {"h1": b"edited by hand\n", "h2": OLD, "h3": OLD, "h4": OLD}


def test_a_host_that_cannot_be_written_takes_its_batch_back(site: Site) -> None:
    site.path("h2").parent.rename(site.root / "away")
    (site.root / "h2").write_text("in the way of the directory")
    outcome = site.run([site.phase("files", follows(site), at_once=2)], site.changes("files"))
    assert set(outcome.failures["files"]) == {"h2"}
    assert [change.target for change in outcome.put_back] == ["h1"]
    assert site.path("h1").read_bytes() == OLD


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (Unknown("cluster", "names", "no node answers"), "cluster: names is unknown: no node answers"),
        (KeyError("gone"), "internal error: KeyError: 'gone'"),
    ],
)
def test_a_gate_that_cannot_be_asked_fails_its_batch(site: Site, error: Exception, said: str) -> None:
    def script(world: World, host: str, changes: Sequence[Change]) -> str:
        raise error

    outcome = site.run([site.phase("files", Gate("health", script))], site.changes("files"))
    assert outcome.failures == {"files": {"h1": said, "h2": said}}
    assert set(site.contents().values()) == {OLD}


def test_a_gate_that_no_host_can_judge_alone_hears_all_of_them(site: Site) -> None:
    heard: list[dict[str, str]] = []

    def verdict(world: World, said: Mapping[str, str]) -> str:
        heard.append(dict(said))
        return "" if len(heard) > 1 else "the VIP is on no host"

    together = Together(lambda world: ("h1", "h3"), verdict)
    gate = Gate("one VIP", lambda *_: "echo here", deadline=5, together=together)
    assert site.run([site.phase("files", gate, at_once=1)], site.changes("files", ["h2"])).ok
    assert heard == [{"h1": "here", "h3": "here"}] * 2


def test_hosts_that_do_not_agree_in_time_are_told_with_the_reason(site: Site) -> None:
    gate = Gate("one VIP", lambda *_: "echo here", 0.5, together=Together(lambda world: ("h1",), lambda *_: "on two"))
    outcome = site.run([site.phase("files", gate, at_once=1)], site.changes("files", ["h2"]))
    assert outcome.failures == {"files": {"h2": "waited 0.5 s for one VIP; last seen: on two"}}


def test_a_gate_may_ask_another_host_about_each_of_a_batch(site: Site) -> None:
    asked: list[tuple[str, str]] = []

    def script(world: World, host: str, changes: Sequence[Change]) -> str:
        asked.append((host, changes[0].target))
        return reads(site, changes[0].target, NEW)

    gate = Gate("seen from outside", script, deadline=5, asked_from=lambda world: "h4")
    assert site.run([site.phase("files", gate)], site.changes("files", ["h1", "h2", "h3"])).ok
    assert asked == [("h4", "h1"), ("h4", "h2"), ("h4", "h3")]


def test_an_interrupt_ends_it_after_the_batch_in_hand(site: Site) -> None:
    phases = [site.phase("files", follows(site))]
    outcome = site.run(phases, site.changes("files"), stop=lambda: "passed h2" in site.told.lines)
    assert outcome.interrupted and not outcome.ok
    assert [change.target for change in outcome.done] == ["h1", "h2"]
    assert [change.target for change in outcome.untouched] == ["h3", "h4"]
    assert site.contents() == {"h1": NEW, "h2": NEW, "h3": OLD, "h4": OLD}


def test_a_second_interrupt_says_what_it_cut_short(site: Site) -> None:
    def script(world: World, host: str, changes: Sequence[Change]) -> str:
        raise KeyboardInterrupt

    outcome = site.run([site.phase("files", Gate("health", script))], site.changes("files"))
    assert outcome.interrupted
    assert outcome.left_broken == {"h1": CUT_SHORT, "h2": CUT_SHORT}
    assert [change.target for change in outcome.untouched] == ["h3", "h4"]


def test_a_host_whose_sshd_starts_anew_is_put_back(site: Site, tmp_path: Path) -> None:
    """Its batch failed because of that; a moment later it can be spoken to again."""
    own = Sshd(tmp_path / "sshd").start()

    def lose(world: World, host: str, changes: Sequence[Change]) -> str:
        if changes[0].after == OLD.decode():
            return "exit 0"
        own.stop()
        threading.Timer(2, own.start).start()
        return "exit 1"

    lost = replace(site, server=own)
    outcome = lost.run([lost.phase("files", Gate("sshd", lose, deadline=1))], lost.changes("files", ["h1"]))
    assert "files" in outcome.failures and outcome.left_broken == {}
    assert [change.target for change in outcome.put_back] == ["h1"]
    assert lost.contents()["h1"] == OLD
    own.stop()
