"""Which units a set of changes restarts, and which it reloads."""

from __future__ import annotations

from k8snet_provision.change import Change, Kind, reloads
from k8snet_provision.resources import unit
from k8snet_provision.resources.unit import Unit


def a_file(name: str, *, reload: str = "", restart: str = "") -> Change:
    names = [(word,) if word else () for word in (restart, reload)]
    return Change("p", "h", Kind.FILE, name, "", "x", restarts=names[0], reloads=names[1])


def turned_on(name: str, active: str, enabled: str = "enabled") -> Change:
    (change,) = unit.running("p", "h", name, Unit(name, active, enabled, ()))
    return change


def test_a_unit_is_reloaded_once_for_all_its_files() -> None:
    assert reloads([a_file("a", reload="haproxy"), a_file("b", reload="haproxy")]) == ("haproxy",)


def test_a_unit_that_starts_reads_its_files_then() -> None:
    assert reloads([a_file("a", reload="haproxy"), turned_on("haproxy", "inactive")]) == ()
    assert reloads([a_file("a", reload="haproxy"), turned_on("haproxy", "inactive").inverted()]) == ()


def test_a_unit_that_is_only_made_to_start_at_boot_is_reloaded() -> None:
    assert reloads([a_file("a", reload="haproxy"), turned_on("haproxy", "active", "disabled")]) == ("haproxy",)


def test_a_unit_that_restarts_is_not_reloaded_too() -> None:
    assert reloads([a_file("a", reload="haproxy"), a_file("b", restart="haproxy")]) == ()


def test_a_unit_that_runs_and_starts_at_boot_is_as_wanted() -> None:
    assert list(unit.running("p", "h", "haproxy", Unit("haproxy", "active", "enabled", ()))) == []


def test_a_unit_of_a_package_that_is_not_there_yet_goes_back_to_nothing() -> None:
    (change,) = unit.running("p", "h", "haproxy", None)
    assert (change.before, change.inverted().details["after_active"]) == (None, "")
