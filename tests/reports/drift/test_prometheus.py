"""The metrics, as promtool and a scrape read them."""

from __future__ import annotations

import re
from dataclasses import replace

from k8snet_provision.drift import Report, Shard
from k8snet_provision.drift.looks import Looks
from k8snet_provision.plan import Incomplete
from k8snet_provision.reports.drift.prometheus import HELP, text
from tests.reports.drift.samples import BROKEN, DRIFTED, KNOWN, QUIET, looks, promtool

SAMPLE = re.compile(r'^(\w+)\{((?:\w+="(?:[^"\\]|\\.)*",?)*)\} (\S+)$')


def series(*reports: Report) -> dict[str, float]:
    """`metric{labels}` without the cluster's own label, and its value; each stands once."""
    lines = [line for line in text(looks(*reports)).splitlines() if not line.startswith("#")]
    found = {}
    for line in lines:
        match = SAMPLE.match(line)
        assert match, line
        labels = match[2].replace('cluster="prod"', "").strip(",")
        found[f"{match[1].removeprefix('k8snet_drift_')}{{{labels}}}"] = float(match[3])
    assert len(found) == len(lines)
    return found


def test_promtool_finds_nothing_to_say() -> None:
    checked = promtool("check", "metrics", given=text(looks(DRIFTED, replace(QUIET, cluster="stage"))))
    assert (checked.returncode, checked.stdout, checked.stderr) == (0, "", "")


def test_promtool_would_say_what_is_wrong() -> None:
    assert promtool("check", "metrics", given=text(looks(DRIFTED)).replace("# HELP", "# HALP")).returncode != 0
    assert (
        promtool("check", "metrics", given=text(looks(DRIFTED)) + "k8snet_drift_hosts{cluster='x} 1\n").returncode != 0
    )


def test_findings_are_counted_and_what_is_fine_is_zero() -> None:
    found = series(replace(DRIFTED, incomplete=()))
    assert found['findings{capability="kubelet",severity="warning"}'] == 1
    assert found['findings{capability="kubelet",severity="critical"}'] == 1
    assert found['findings{capability="kubelet",severity="info"}'] == 0
    assert found['findings{capability="coredns",severity="critical"}'] == 0
    assert found['findings{capability="refusal",severity="critical"}'] == 0
    assert found['accepted_findings{capability="kubelet",severity="warning"}'] == 1
    assert found['accepted_findings{capability="coredns",severity="warning"}'] == 0


def test_what_was_not_all_seen_is_never_zero_and_hides_no_finding() -> None:
    found = series(DRIFTED)  # cp1 is off
    assert 'findings{capability="kube-apiserver",severity="critical"}' not in found
    assert 'findings{capability="refusal",severity="critical"}' not in found
    assert found['findings{capability="coredns",severity="critical"}'] == 0
    off = Incomplete("node1", "file /etc/x", "permission denied")
    found = series(replace(DRIFTED, incomplete=(off,)))
    assert found['findings{capability="kubelet",severity="critical"}'] == 1


def test_without_one_of_its_shards_nothing_is_known_to_be_fine() -> None:
    found = series(replace(DRIFTED, incomplete=(Incomplete("shard 2/4", "report", "it never reported"),)))
    assert 'findings{capability="coredns",severity="critical"}' not in found
    assert found['findings{capability="kubelet",severity="critical"}'] == 1
    assert (found["unobserved{}"], found["unobserved_hosts{}"]) == (1, 0)


def test_the_look_itself_is_told() -> None:
    found = series(replace(DRIFTED, incomplete=(*DRIFTED.incomplete, Incomplete("cluster", "objects", "refused"))))
    assert found["hosts{}"] == 3
    assert found["unobserved_hosts{}"] == 1
    assert found["unobserved{}"] == 2
    assert found["exit_code{}"] == 3
    assert found["duration_seconds{}"] == 4.25
    assert found["last_look_timestamp_seconds{}"] == 1795917600  # date -ud 2026-11-29T02:00:00Z +%s
    assert found["last_complete_look_timestamp_seconds{}"] == 1795917600 - 2 * 86400
    assert found['info{version="0.1.0 (abc)",kubernetes="v1.36.3"}'] == 1
    assert series(QUIET)["exit_code{}"] == 0
    assert series(replace(DRIFTED, incomplete=()))["exit_code{}"] == 2


def test_where_no_look_was_ever_complete_no_time_is_made_up() -> None:
    assert "last_complete_look_timestamp_seconds{}" not in series(replace(DRIFTED, last_complete=""))


def test_an_exception_ends_with_its_last_day() -> None:
    end = series(DRIFTED)[
        f'exception_end_timestamp_seconds{{host="node2",capability="kubelet",fingerprint="{KNOWN.fingerprint}"}}'
    ]
    assert end == 1798761600  # date -ud 2027-01-01T00:00:00Z +%s


def test_shards_and_clusters_of_the_same_name_are_told_apart() -> None:
    shards = series(replace(QUIET, shard=Shard(1, 2)), replace(QUIET, shard=Shard(2, 2)))
    assert {'hosts{shard="1/2"}', 'hosts{shard="2/2"}'} <= set(shards)
    same = series(QUIET, replace(QUIET, inventory="elsewhere/prod"))
    assert {'hosts{inventory="inventory/prod"}', 'hosts{inventory="elsewhere/prod"}'} <= set(same)


def test_an_inventory_that_is_broken_is_a_cluster_that_failed() -> None:
    told = text(Looks((QUIET,), (BROKEN,)))
    codes = [line for line in told.splitlines() if line.startswith("k8snet_drift_exit_code{")]
    assert codes == ['k8snet_drift_exit_code{cluster="prod"} 0', 'k8snet_drift_exit_code{cluster="stage"} 1']
    assert promtool("check", "metrics", given=told).returncode == 0


def test_a_metric_stands_together_with_one_help() -> None:
    lines = text(looks(DRIFTED, replace(DRIFTED, cluster="stage"))).splitlines()
    for metric in HELP:
        name = f"k8snet_drift_{metric}"
        mine = [number for number, line in enumerate(lines) if re.search(rf"\b{name}\b", line.split("{")[0])]
        assert mine == list(range(mine[0], mine[-1] + 1))
        assert [lines[mine[0]].split()[1], lines[mine[1]]] == ["HELP", f"# TYPE {name} gauge"]
