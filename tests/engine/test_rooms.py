"""A Namespace or a definition of a kind stays while others keep something in it."""

from __future__ import annotations

import json
import subprocess

import pytest

from k8snet_provision.change import CLUSTER, Change, Kind
from k8snet_provision.engine.carry_out import object_script

pytestmark = pytest.mark.programs

KUBECTL = """K() {{
case "$*" in
  api-resources*) printf 'configmaps\\nevents\\nleases.coordination.k8s.io\\nwidgets.example.com\\n' ;;
  get*) {get} ;;
  delete*) echo "deleted" ;;
esac; }}
"""

OURS = "object|k8snet-provision|ConfigMap room/ours"
IN_EACH = "object||ConfigMap room/kube-root-ca.crt\nobject||ServiceAccount room/default"


def said(kind: str, get: str) -> tuple[int, str]:
    version = {"Namespace": "v1", "CustomResourceDefinition": "apiextensions.k8s.io/v1"}.get(kind, "v1")
    manifest = {"apiVersion": version, "kind": kind, "metadata": {"name": "room"}}
    details = {"how": "delete", "manifest": json.dumps(manifest)}
    change = Change("p", CLUSTER, Kind.OBJECT, f"{kind} room", "x\n", None, details)
    script = KUBECTL.format(get=get) + object_script(change)
    ran = subprocess.run(["sh"], input=script, capture_output=True, text=True, check=False, timeout=30)
    return ran.returncode, ran.stdout + ran.stderr


def printing(rows: str) -> str:
    return f"printf '%s\\n' '{rows}'"


@pytest.mark.parametrize("kind", ["Namespace", "CustomResourceDefinition"])
def test_an_object_of_somebody_else_keeps_it(kind: str) -> None:
    code, text = said(kind, printing(f"{OURS}\nobject||Secret room/theirs\nobject|Helm|Secret room/charts"))
    assert (code, text.strip()) == (
        0,
        f"{kind} room stays: somebody else keeps Secret room/theirs, Secret room/charts in it",
    )


@pytest.mark.parametrize("rows", ["", OURS, IN_EACH, f"{OURS}\n{IN_EACH}\nWarning: something is deprecated"])
def test_what_is_ours_and_what_is_everywhere_goes_with_it(rows: str) -> None:
    assert said("Namespace", printing(rows)) == (0, "deleted\n")


def test_many_are_counted() -> None:
    rows = "\n".join(f"object||Secret room/{number}" for number in range(5))
    assert "Secret room/0, Secret room/1, Secret room/2 and 2 more" in said("Namespace", printing(rows))[1]


def test_kinds_that_the_cluster_writes_everywhere_are_not_asked_for() -> None:
    get = 'case $2 in configmaps,widgets.example.com) ;; *) echo "asked for $2" >&2; return 1 ;; esac'
    assert said("Namespace", get) == (0, "deleted\n")


def test_what_cannot_be_seen_is_not_taken_for_empty() -> None:
    code, text = said("Namespace", "echo 'the server is busy'; return 1")
    assert code == 1
    assert "what is in Namespace room cannot be seen, so it stays: the server is busy" in text


def test_a_definition_whose_kind_is_served_no_more_goes() -> None:
    get = "echo 'error: the server doesn'\"'\"'t have a resource type \"room\"'; return 1"
    assert said("CustomResourceDefinition", get) == (0, "deleted\n")


def test_other_kinds_are_not_looked_into() -> None:
    assert said("ConfigMap", "return 1") == (0, "deleted\n")
