"""Whose objects a plan deletes: what an owner no longer asks for, in the phase that is there for it."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from k8snet_provision import planning
from k8snet_provision.capability import Capability, Phase, nothing
from k8snet_provision.change import Action
from k8snet_provision.resources.kube_object import Manifest, ObjectRef, owned_by
from k8snet_provision.resources.probe import Unknown
from k8snet_provision.seen import World
from tests.deploys.worlds import a_state, a_world


def a_config_map(name: str, owner: str = "way", **meta: Any) -> Manifest:
    plain = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": name, "namespace": "ways", **meta}}
    return owned_by(owner, plain) if owner else plain


def deleted(world: World, *capabilities: Capability) -> list[tuple[str, str]]:
    plan = planning.make([Phase(capability) for capability in capabilities], world, ["cp1"], 0.0)
    return [(change.phase, change.name) for change in plan.changes if change.action is Action.DELETE]


def a_capability(name: str, *wanted: str, **parts: Any) -> Capability:
    return Capability(
        name=name, carry_out=nothing, manifests=lambda world: [a_config_map(item) for item in wanted], **parts
    )


@pytest.fixture
def world(tmp_path: Path) -> World:
    there = [a_config_map("old", resourceVersion="7"), a_config_map("new", resourceVersion="8")]
    there.append(a_config_map("made", resourceVersion="9", ownerReferences=[{"kind": "Service", "name": "x"}]))
    return a_world(tmp_path, "service_cidr: 10.254.0.0/16", state=a_state(objects=there, owned=there))


def test_a_later_phase_deletes_for_the_one_that_owns(world: World) -> None:
    """Not the owner itself, and not what the cluster made of another object and labelled alike."""
    owner, later = a_capability("way", "new", retires=()), a_capability("old way", retires=("way",))
    assert deleted(world, owner, later) == [("old way", "ConfigMap ways/old")]


def test_an_object_that_another_phase_asks_for_is_kept(world: World) -> None:
    assert deleted(world, a_capability("way", "new"), a_capability("more of it", "old")) == []


def test_a_section_that_is_there_and_empty_deletes_all_and_one_that_is_not_there_nothing(world: World) -> None:
    assert deleted(world, a_capability("way")) == []
    assert deleted(world, a_capability("way", managed=lambda cluster: True)) == [
        ("way", "ConfigMap ways/old"),
        ("way", "ConfigMap ways/new"),
    ]


def test_nothing_is_deleted_while_it_is_unknown_what_is_wanted(world: World) -> None:
    def unknown(world: World) -> Iterable[Manifest]:
        raise Unknown("cluster", "objects", "no answer")

    blind = Capability(name="blind", carry_out=nothing, manifests=unknown)
    plan = planning.make([Phase(a_capability("way", "new")), Phase(blind)], world, ["cp1"], 0.0)
    assert [change.action for change in plan.changes if change.action is Action.DELETE] == []
    assert plan.incomplete


def test_a_key_that_somebody_put_into_a_config_map_of_ours_goes(tmp_path: Path) -> None:
    """Server-side apply would leave it, and the program that reads the map would go on obeying it."""
    ours = {**a_config_map("new"), "data": {"a": "1"}}
    live = {**a_config_map("new", resourceVersion="8"), "data": {"a": "1", "ssl-redirect": "false"}}
    world = a_world(tmp_path, "service_cidr: 10.254.0.0/16", state=a_state(objects=[live], owned=[live]))
    world = replace(world, state=replace(world.state, dry={ObjectRef.of(live): live}))
    capability = Capability(name="way", carry_out=nothing, manifests=lambda world: [ours])
    plan = planning.make([Phase(capability)], world, ["cp1"], 0.0)
    (change,) = plan.changes
    assert (change.details["how"], json.loads(change.details["manifest"])["data"]) == ("replace", {"a": "1"})
