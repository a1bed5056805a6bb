"""The alert rules that are shipped fire on what a look finds, and end once it is gone."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from k8snet_provision.drift import Shard
from k8snet_provision.drift.looks import Looks
from tests.monitoring.scrapes import BAD, GOOD, RULES, Scraped, at_epoch, holds, of
from tests.reports.drift.samples import BROKEN, DRIFTED, KNOWN, QUIET, promtool

pytestmark = pytest.mark.programs

HOUR, DAY = 60, 24 * 60
UNSEEN = of(at_epoch(DRIFTED, complete=0))
NEVER = of(at_epoch(DRIFTED))

FIRING = 'count by (alertname, cluster, capability) (ALERTS{alertstate="firing"})'


def alert(name: str, cluster: str = "prod", capability: str = "") -> str:
    labels = {"alertname": name, "cluster": cluster, "capability": capability}
    return "{" + ", ".join(f'{label}="{value}"' for label, value in labels.items() if value) + "}"


CRITICAL, WARNING = (
    alert("K8snetDriftCritical", capability="kubelet"),
    alert("K8snetDriftWarning", capability="kubelet"),
)
INCOMPLETE, OLD = alert("K8snetDriftIncomplete"), alert("K8snetDriftNoCompleteLook")
SOON = alert("K8snetDriftExceptionEndsSoon", capability="kubelet")


def test_the_rules_are_rules() -> None:
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", str(RULES))
    assert checked.returncode == 0 and "8 rules found" in checked.stdout, checked


CASES: dict[str, tuple[list[Scraped], dict[int, list[str]]]] = {
    "all is well": ([Scraped(GOOD, DAY)], {10: [], 23 * HOUR: []}),
    "drift, and mended": (
        [Scraped(GOOD, 30), Scraped(BAD, 60), Scraped(GOOD, 60)],
        {25: [], 30: [CRITICAL], 50: [CRITICAL, WARNING], 85: [CRITICAL, WARNING], 95: []},
    ),
    "a warning that an apply takes away by itself": (
        [Scraped(of(at_epoch(replace(QUIET, findings=DRIFTED.findings[:1]), complete=0)), 10), Scraped(GOOD, 60)],
        {5: [], 10: [], 30: []},
    ),
    "a host goes away and comes back": (
        [Scraped(UNSEEN, 30), Scraped(GOOD, 60)],
        {0: [CRITICAL], 20: [CRITICAL, WARNING, INCOMPLETE], 35: []},
    ),
    "drift runs no more": ([Scraped(GOOD, 3 * DAY)], {25 * HOUR: [], 27 * HOUR: [OLD], 2 * DAY: [OLD]}),
    "a host stays away": (
        [Scraped(UNSEEN, 27 * HOUR), Scraped(of(at_epoch(QUIET, 27, complete=27)), HOUR)],
        {25 * HOUR: [CRITICAL, WARNING, INCOMPLETE], 26 * HOUR + 5: [CRITICAL, WARNING, INCOMPLETE, OLD],
         27 * HOUR + 5: []},
    ),
    "no look was ever complete": (
        [Scraped(NEVER, 27 * HOUR)],
        {26 * HOUR: [CRITICAL, WARNING, INCOMPLETE, alert("K8snetDriftNeverComplete")]},
    ),
    "an inventory is broken, and mended": (
        [Scraped(of(at_epoch(QUIET, complete=0), failed=[BROKEN]), 30), Scraped(GOOD, 30)],
        {0: [alert("K8snetDriftFailed", "stage")], 20: [alert("K8snetDriftFailed", "stage")], 35: []},
    ),
    "the file is gone": (
        [Scraped(GOOD, 10), Scraped(Looks(), 2 * HOUR)],
        {10: [], 100: [alert("K8snetDriftAbsent", "")]},
    ),
    "one of two shards sees nothing any more": (
        [
            Scraped(
                of(
                    at_epoch(replace(QUIET, shard=Shard(1, 2)), 26, complete=26),
                    at_epoch(replace(QUIET, shard=Shard(2, 2)), 26, complete=0),
                ),
                27 * HOUR,
            )
        ],
        {25 * HOUR: [], 26 * HOUR + 5: [OLD]},
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_alerts_fire_and_end(case: str, tmp_path: Path) -> None:
    scraped, moments = CASES[case]
    checks = [
        {"expr": FIRING, "eval_time": f"{minute}m", "exp_samples": [{"labels": name, "value": 1} for name in alerts]}
        for minute, alerts in moments.items()
    ]
    assert holds(tmp_path, scraped, RULES, promql_expr_test=checks) == ""


def test_an_exception_is_told_a_week_before_it_ends_and_no_longer_than_that(tmp_path: Path) -> None:
    """One until the end of the 9th of January 1970: 9 days after promtool's time begins."""
    item = replace(DRIFTED.accepted[0], acceptance=replace(DRIFTED.accepted[0].acceptance, until="1970-01-09"))
    looks = of(at_epoch(replace(QUIET, accepted=(item,)), complete=0))
    only = 'count by (alertname, cluster, capability) (ALERTS{alertname=~".*Exception.*"})'
    checks = [
        {"expr": only, "eval_time": f"{minute}m", "exp_samples": [{"labels": SOON, "value": 1}] if fires else []}
        for minute, fires in {DAY: False, 2 * DAY: False, 2 * DAY + 5: True, 8 * DAY: True, 9 * DAY: False}.items()
    ]
    assert holds(tmp_path, [Scraped(looks, 10 * DAY)], RULES, promql_expr_test=checks) == ""


def test_an_alert_says_which_cluster_what_and_what_to_do(tmp_path: Path) -> None:
    expected = {
        "exp_labels": {"cluster": "prod", "capability": "kubelet", "severity": "critical"},
        "exp_annotations": {
            "summary": "prod: kubelet has drifted, and requests fail or soon will",
            "description": "1 critical findings. `k8snet-provision drift` tells each with the command that mends it.",
        },
    }
    check = {"eval_time": "10m", "alertname": "K8snetDriftCritical", "exp_alerts": [expected]}
    assert holds(tmp_path, [Scraped(BAD, 30)], RULES, alert_rule_test=[check]) == ""
    ends = {
        "exp_labels": {
            "cluster": "prod", "capability": "kubelet", "severity": "warning", "host": "node2",
            "fingerprint": KNOWN.fingerprint,
        },
        "exp_annotations": {
            "summary": f"prod: the exception {KNOWN.fingerprint} ends in 1d 0h 0m 0s",
            "description": "It excuses a finding of kubelet on node2. Mend it, or accept it again with "
            "`k8snet-provision drift --accept`.",
        },
    }  # fmt: skip
    item = replace(DRIFTED.accepted[0], acceptance=replace(DRIFTED.accepted[0].acceptance, until="1970-01-01"))
    looks = of(at_epoch(replace(QUIET, accepted=(item,)), complete=0))
    check = {"eval_time": "0m", "alertname": "K8snetDriftExceptionEndsSoon", "exp_alerts": [ends]}
    assert holds(tmp_path, [Scraped(looks, 30)], RULES, alert_rule_test=[check]) == ""


def test_a_check_that_does_not_hold_is_told(tmp_path: Path) -> None:
    check = {"expr": FIRING, "eval_time": "10m", "exp_samples": []}
    assert "K8snetDriftCritical" in holds(tmp_path, [Scraped(BAD, 30)], RULES, promql_expr_test=[check])
