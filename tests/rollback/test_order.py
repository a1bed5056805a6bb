"""The three passes: deleted things come back first, changed ones go back in the site's order, made ones go last."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from k8snet_provision.capability import Capability, Gate, Phase, nothing
from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.rollback.order import arranged, base
from k8snet_provision.seen import World
from tests.deploys.worlds import a_state, a_world

SITE = tuple(
    Phase(Capability(name, nothing), ("kube_node", "kube_control_plane"), 1) for name in ("one", "two", "three")
)


def an_object(phase: str, name: str, before: str | None, after: str | None) -> Change:
    return Change(phase, CLUSTER, Kind.OBJECT, name, before, after)


def a_file(phase: str, host: str, name: str, before: str | None, after: str | None) -> Change:
    return Change(phase, host, Kind.FILE, name, before, after)


def told(directory: Path, changes: list[Change], site: tuple[Phase, ...] = SITE, of: str = "") -> list[str]:
    world = a_world(directory, "service_cidr: 10.254.0.0/16\npod_cidr: 10.244.0.0/16", {}, a_state())
    made = arranged(changes, site, world, world, of)
    assert [phase.name for phase in made.site] == list(dict.fromkeys(change.phase for change in made.changes))
    return [f"{change.phase} {change.target} {change.name}" for change in made.changes]


def test_the_passes(tmp_path: Path) -> None:
    changes = [
        an_object("one", "changed", "a", "b"),
        an_object("one", "deleted", "a", None),
        an_object("two", "changed", "a", "b"),
        an_object("two", "made", None, "b"),
        an_object("three", "made", None, "b"),
        an_object("three", "deleted", "a", None),
    ]
    assert told(tmp_path, [change.inverted() for change in changes]) == [
        "three: made again cluster deleted",
        "one: made again cluster deleted",
        "one cluster changed",
        "two cluster changed",
        "three: taken away cluster made",
        "two: taken away cluster made",
    ]


def test_a_hosts_changes_of_one_phase_stay_together(tmp_path: Path) -> None:
    changes = [
        a_file("one", "w1", "/made", "b", None),
        a_file("one", "w1", "/changed", "b", "a"),
        a_file("two", "w1", "/made", "b", None),
        a_file("three", "w1", "/gone", None, "a"),
    ]
    assert told(tmp_path, changes) == [
        "three: made again w1 /gone",
        "one w1 /made",
        "one w1 /changed",
        "two: taken away w1 /made",
    ]


def test_hosts_go_in_the_order_of_their_phase(tmp_path: Path) -> None:
    changes = [a_file("one", host, "/a", "b", "a") for host in ("w1", "cp1")]
    assert told(tmp_path, changes) == ["one cp1 /a", "one w1 /a"]


def test_rooms_come_back_before_what_is_in_them_and_go_after_it(tmp_path: Path) -> None:
    names = ("Service n/s", "ConfigMap n/c", "CustomResourceDefinition d", "Namespace n")
    made = told(tmp_path, [an_object("one", name, None, "a") for name in names])
    assert [line.removeprefix("one: made again cluster ") for line in made] == list(reversed(names))
    gone = told(tmp_path, [an_object("one", name, "a", None) for name in reversed(names)])
    assert [line.removeprefix("one: taken away cluster ") for line in gone] == list(names)


def test_webhooks_go_before_everything_and_come_back_after_it(tmp_path: Path) -> None:
    """What they ask goes with the API server's flags, and everything they are asked about would be refused."""
    webhook, service = "ValidatingWebhookConfiguration v", "Service n/s"
    flags = a_file("one", "cp1", "/flags", "b", "a")
    changes = [flags, an_object("two", service, "a", None), an_object("two", webhook, "a", None)]
    assert told(tmp_path, changes) == [
        f"two: webhook taken away cluster {webhook}",
        "one cp1 /flags",
        f"two: taken away cluster {service}",
    ]
    back = [flags, an_object("two", webhook, None, "a"), an_object("two", service, None, "a")]
    assert told(tmp_path, back) == [
        f"two: made again cluster {service}",
        "one cp1 /flags",
        f"two: webhook made again cluster {webhook}",
    ]


def test_objects_that_were_changed_go_back_in_the_phases_own_order(tmp_path: Path) -> None:
    """Undoing turned them round; a phase with a way of its own is not second-guessed."""
    turned = [an_object("one", name, "b", "a") for name in ("Deployment n/d", "ConfigMap n/c")]
    restart = Change("one", CLUSTER, Kind.RESTART, "DaemonSet n/s", "", "")
    assert [line.removeprefix("one cluster ") for line in told(tmp_path, [*turned, restart])] == [
        "ConfigMap n/c",
        "Deployment n/d",
        "DaemonSet n/s",
    ]
    own = (Phase(Capability("one", nothing, undone=nothing)),)
    assert [line.split(" ", 2)[2] for line in told(tmp_path, turned, own)] == ["Deployment n/d", "ConfigMap n/c"]


def test_what_comes_back_first_is_judged_by_the_range_of_now_and_the_rest_by_that_of_before(tmp_path: Path) -> None:
    def script(world: World, host: str, changes: Sequence[Change]) -> str:
        return str(world.topology.service_cidr[0])

    site = (Phase(Capability("one", nothing, gates=(Gate("answers", script),))),)
    now, then = (
        a_world(tmp_path, f"service_cidr: {cidr}\npod_cidr: 10.244.0.0/16", {}, a_state())
        for cidr in ("10.254.0.0/16", "10.96.0.0/16")
    )
    changes = [
        an_object("one", name, *sides) for name, sides in (("a", (None, "x")), ("b", ("x", "y")), ("c", ("x", None)))
    ]
    phases = arranged(changes, site, now, then).site
    told = {phase.name: phase.capability.gates[0].script(now, "cp1", ()) for phase in phases}
    assert told == {"one: made again": "10.254.0.0/16", "one": "10.96.0.0/16", "one: taken away": "10.96.0.0/16"}


def test_starts_never_move_a_batch_to_another_pass(tmp_path: Path) -> None:
    restart = Change("one", CLUSTER, Kind.RESTART, "Deployment n/d", None, "x")
    assert told(tmp_path, [restart]) == ["one cluster Deployment n/d"]


def test_phases_that_are_undone_after_all_later_ones(tmp_path: Path) -> None:
    site = tuple(
        Phase(Capability(name, nothing, backwards=name in ("way", "edge")))
        for name in ("way", "edge", "names", "traffic")
    )
    changes = [an_object(phase.name, "x", "b", "a") for phase in site]
    assert told(tmp_path, changes, site) == [f"{name} cluster x" for name in ("names", "traffic", "edge", "way")]


def test_phases_of_several_runs_are_told_apart_and_found_again(tmp_path: Path) -> None:
    (line,) = told(tmp_path, [an_object("one", "x", "a", None)], of="3f2a")
    assert line == "one of 3f2a: taken away cluster x"
    assert {base(name) for name in ("one", "one: made again", "one of 3f2a", "one of 3f2a: webhook taken away")} == {
        "one"
    }
