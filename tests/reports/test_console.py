"""What people read: every line is taken from the change it speaks of."""

from __future__ import annotations

import io
from dataclasses import replace

from rich.console import Console

from k8snet_provision.capability import Capability, Gate, Phase
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.plan import Incomplete, Plan
from k8snet_provision.problems import Origin, Problem, Severity
from k8snet_provision.reports import console
from k8snet_provision.rollout import Outcome

FACTS = {"kubernetes": "v1.36.3 (systemd)", "control planes": "3", "nodes": "1"}
UNIT = "/etc/systemd/system/kube-apiserver.service"
FILE = Change("kube-apiserver", "cp1", Kind.FILE, UNIT, "--a=1\n--b\n", "--a=2\n--b\n", restarts=("kube-apiserver",))
OBJECT = Change("names", CLUSTER, Kind.OBJECT, "ConfigMap kube-system/coredns", None, "kind: ConfigMap\n")


def nobody(*_: object) -> None:
    raise AssertionError("a report carries nothing out")


SITE = (
    Phase(Capability("kube-apiserver", nobody, gates=(Gate("/readyz", nobody),)), ("kube_control_plane",), at_once=1),
    Phase(Capability("names", nobody), (CLUSTER,)),
)


def shown(plan: Plan, width: int = 60) -> list[str]:
    out = io.StringIO()
    console.show_plan(Console(file=out, width=width), plan, {phase.name: phase.pace for phase in SITE})
    return out.getvalue().splitlines()


def told(outcome: Outcome) -> list[str]:
    out = io.StringIO()
    console.show_outcome(Console(file=out, width=60), outcome)
    return out.getvalue().splitlines()


def test_a_plan_in_the_order_of_the_site_table() -> None:
    lines = shown(Plan("lab", FACTS, (OBJECT, FILE), seconds=0.61))
    assert lines[0].startswith("lab · kubernetes v1.36.3 (systemd) · 3 control planes, 1 node")
    assert lines[0].endswith("observed in 0.6 s")
    plan = Plan("lab", FACTS, seconds=2.7496)
    assert shown(plan)[0].endswith(f"observed in {plan.to_json()['seconds']:.1f} s")
    assert lines[1:] == [
        "kube-apiserver   one at a time, gate /readyz",
        f"  cp1  ~ {UNIT}    restarts kube-apiserver",
        "      @@ -1,2 +1,2 @@",
        "      ---a=1",
        "      +--a=2",
        "       --b",
        "names            once, for the cluster",
        "  cluster  + ConfigMap kube-system/coredns",
        "      @@ -0,0 +1 @@",
        "      +kind: ConfigMap",
        "2 changes on 1 host and in the cluster · 1 kube-apiserver restart · nothing deleted",
    ]


def test_lines_that_look_like_a_header_are_shown() -> None:
    change = replace(FILE, before="-- old\n", after="++ new\n")
    lines = shown(Plan("lab", FACTS, (change,)))
    assert "      --- old" in lines
    assert "      +++ new" in lines


def test_the_same_change_of_many_hosts_is_shown_once() -> None:
    many = tuple(replace(FILE, target=f"cp{number}") for number in range(1, 9))
    lines = shown(Plan("lab", FACTS, many))
    assert [line for line in lines if UNIT in line] == [
        f"  cp1, cp2, cp3, cp4, cp5 and 3 more  ~ {UNIT}    restarts kube-apiserver"
    ]
    assert lines[-1] == "8 changes on 8 hosts · 8 kube-apiserver restarts · nothing deleted"


def test_several_changes_of_one_unit_make_one_restart() -> None:
    lines = shown(Plan("lab", FACTS, (FILE, replace(FILE, name="/etc/default/kube-apiserver"))))
    assert "2 changes on 1 host · 1 kube-apiserver restart · nothing deleted" in lines


def test_deletions_are_counted() -> None:
    gone = replace(OBJECT, before="kind: ConfigMap\n", after=None)
    lines = shown(Plan("lab", FACTS, (gone,)))
    assert "  cluster  - ConfigMap kube-system/coredns" in lines
    assert lines[-1] == "1 change in the cluster · 1 deleted"


def test_a_secret_is_not_shown() -> None:
    lines = shown(Plan("lab", FACTS, (replace(FILE, secret=True, before="key 5e1f\n", after="key 77aa\n"),)))
    assert "      (content not shown: secret)" in lines
    assert "5e1f" not in "".join(lines) and "77aa" not in "".join(lines)


def test_only_the_mode_changes() -> None:
    details = {"before_mode": "644", "before_owner": "root", "after_mode": "600", "after_owner": "root"}
    lines = shown(Plan("lab", FACTS, (replace(FILE, after=FILE.before, details=details),)))
    assert [line.strip() for line in lines if "mode and owner" in line] == [
        "- mode and owner 644 root",
        "+ mode and owner 600 root",
    ]


def test_what_was_not_seen_is_never_nothing_to_change() -> None:
    unseen = Incomplete("cp1", "host", "no answer")
    assert shown(Plan("lab", FACTS))[-1] == "nothing to change"
    lines = shown(Plan("lab", FACTS, incomplete=(unseen,)))
    assert lines[-2:] == ["? cp1: host could not be observed: no answer", "nothing can be said yet"]
    assert shown(Plan("lab", FACTS, (FILE,), incomplete=(unseen,)))[-1].endswith(" · 1 not observed")


def test_values_are_neither_markup_nor_wrapped() -> None:
    long = replace(OBJECT, name="[red]x[/red] " + "y" * 200, after="[bold]value[/bold]\n")
    lines = shown(Plan("lab", FACTS, (long,)), width=40)
    assert f"  cluster  + [red]x[/red] {'y' * 200}" in lines
    assert "      +[bold]value[/bold]" in lines


def test_an_outcome_names_what_failed_what_is_back_and_what_was_not_touched() -> None:
    other = replace(FILE, target="cp2")
    outcome = Outcome(
        failures={"kube-apiserver": {"cp2": "cat: write error\nnothing can be staged\n"}},
        done=[FILE],
        put_back=[other],
        untouched=[OBJECT, OBJECT],
        seconds=1.25,
    )
    assert told(outcome) == [
        "failed: kube-apiserver on cp2: cat: write error / nothing can be staged",
        "put back and seen to work: cp2",
        "not touched: names on cluster",
        "1 change made in 1.2 s; mend the cause and run apply again: what is done is recognised",
    ]


def test_an_outcome_without_a_failure() -> None:
    assert told(Outcome(done=[FILE, OBJECT], seconds=3)) == ["2 changes made in 3.0 s"]


def test_what_was_left_out_is_named_apart_from_what_was_not_touched() -> None:
    left_out = [replace(FILE, phase="kubelet", target=f"n{number}") for number in range(1, 11)]
    lines = told(Outcome(skipped=left_out, untouched=[OBJECT]))
    assert lines[0].startswith("left out after a failure: kubelet on n1, kubelet on n2, ")
    assert lines[0].endswith("kubelet on n8 and 2 more")
    assert lines[1] == "not touched: names on cluster"


def test_a_hook_that_failed_is_named_as_one() -> None:
    lines = told(Outcome(failures={"kubelet": {"hook": "exit 1"}, "*": {"hook": "not now"}}))
    assert lines[:2] == ["failed: hook of kubelet: exit 1", "failed: hook of the run: not now"]


def test_what_is_not_put_back_stands_out() -> None:
    outcome = Outcome(failures={"names": {"cluster": "refused"}}, left_broken={"cluster": "refused"})
    assert "NOT put back: cluster: refused" in told(outcome)


def test_problems_are_one_line_each_whatever_they_hold() -> None:
    out = io.StringIO()
    problems = [
        Problem("K8N101", "unknown key a\nb", Origin("t.yml", 3), "\x1b[31m", hint="h"),
        Problem("K8N102", "odd", "cp1", severity=Severity.WARNING),
    ]
    console.show_problems(Console(file=out, width=20), problems)
    assert out.getvalue().splitlines() == [
        "t.yml:3: K8N101 unknown key a\\nb (found \\x1b[31m); hint: h",
        "cp1: K8N102 warning: odd",
    ]
