"""What an apply of ours leaves of an object. tests/hosts/test_foreseen.py compares it with a real server; here are the
rules one by one, and what the server alone can tell."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from k8snet_provision.resources.merged import merged
from k8snet_provision.resources.probe import Unknown


def an_object(kind: str, version: str, *managers: dict[str, Any], **fields: Any) -> dict[str, Any]:
    meta = {"name": "x", "namespace": "demo", "managedFields": [*managers]}
    return {"apiVersion": version, "kind": kind, "metadata": meta, **fields}


def by(manager: str, fields: dict[str, Any], operation: str = "Update", version: str = "v1") -> dict[str, Any]:
    return {"manager": manager, "operation": operation, "apiVersion": version, "fieldsV1": fields}


def ours(fields: dict[str, Any], version: str = "v1") -> dict[str, Any]:
    return by("k8snet-provision", fields, "Apply", version)


def sent(live: dict[str, Any], **fields: Any) -> dict[str, Any]:
    names = {"name": "x", "namespace": "demo"}
    return {"apiVersion": live["apiVersion"], "kind": live["kind"], "metadata": names, **fields}


def pod(*containers: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"template": {"spec": {"containers": list(containers), **more}}}


def containers(item: dict[str, Any]) -> Any:
    return item["spec"]["template"]["spec"]["containers"]


def test_what_is_not_there_is_made_as_it_is_sent() -> None:
    item = sent(an_object("ConfigMap", "v1"), data={"a": "1"})
    assert merged(None, item) is item


def test_nothing_is_changed_in_place() -> None:
    live = an_object("ConfigMap", "v1", ours({"f:data": {"f:a": {}, "f:b": {}}}), data={"a": "2", "b": "2"})
    item = sent(live, data={"a": "1"})
    before = copy.deepcopy((live, item))
    assert merged(live, item)["data"] == {"a": "1"}
    assert (live, item) == before


def test_a_field_that_we_alone_had_goes_and_one_that_others_have_too_stays() -> None:
    live = an_object(
        "ConfigMap", "v1",
        ours({"f:data": {"f:a": {}, "f:b": {}, "f:c": {}}}),
        by("helm", {"f:data": {"f:c": {}, "f:d": {}}}),
        data={"a": "1", "b": "1", "c": "1", "d": "1", "e": "1"},
    )  # fmt: skip
    assert merged(live, sent(live, data={"a": "2"}))["data"] == {"a": "2", "c": "1", "d": "1", "e": "1"}


def test_an_object_that_never_was_ours_loses_nothing() -> None:
    live = an_object("ConfigMap", "v1", by("kubeadm", {"f:data": {"f:a": {}}}), data={"a": "1"})
    assert merged(live, sent(live, data={"b": "2"}))["data"] == {"a": "1", "b": "2"}


def test_items_are_told_apart_by_their_keys_and_ours_keep_our_order() -> None:
    live = an_object("Deployment", "apps/v1", spec=pod({"name": "mesh"}, {"name": "b"}, {"name": "c"}, {"name": "a"}))
    found = containers(merged(live, sent(live, spec=pod({"name": "a", "image": "a:1"}, {"name": "b"}))))
    assert [item["name"] for item in found] == ["mesh", "c", "a", "b"]
    assert found[2] == {"name": "a", "image": "a:1"}


def test_a_new_item_has_the_servers_defaults() -> None:
    live = an_object("Deployment", "apps/v1", spec=pod({"name": "a"}))
    added = {
        "name": "b",
        "image": "b:latest",
        "ports": [{"containerPort": 80}],
        "resources": {"limits": {"cpu": "0.5"}},
    }
    assert containers(merged(live, sent(live, spec=pod(added))))[1] == {
        "name": "b",
        "image": "b:latest",
        "imagePullPolicy": "Always",
        "ports": [{"containerPort": 80, "protocol": "TCP"}],
        "resources": {"limits": {"cpu": "500m"}},
        "terminationMessagePath": "/dev/termination-log",
        "terminationMessagePolicy": "File",
    }


def test_an_item_that_is_there_twice_gives_way_to_ours() -> None:
    ports = [{"containerPort": 53, "protocol": "UDP"}, {"containerPort": 53, "protocol": "UDP", "name": "dns"}]
    live = an_object("Deployment", "apps/v1", spec=pod({"name": "a", "ports": ports}))
    wanted = [{"containerPort": 53, "protocol": "UDP", "name": "dns"}]
    found = merged(live, sent(live, spec=pod({"name": "a", "ports": wanted})))
    assert containers(found)[0]["ports"] == wanted


def test_a_list_that_is_one_field_is_replaced() -> None:
    live = an_object("Deployment", "apps/v1", spec=pod(tolerations=[{"key": "theirs"}]))
    wanted = [{"key": "ours"}]
    assert merged(live, sent(live, spec=pod(tolerations=wanted)))["spec"]["template"]["spec"]["tolerations"] == wanted


CUSTOM = "metallb.io/v1beta1"


def test_of_other_kinds_managed_fields_show_how_a_list_is_merged() -> None:
    whole = {"f:spec": {"f:addresses": {}}}
    live = an_object("IPAddressPool", CUSTOM, by("x", whole, version=CUSTOM), spec={"addresses": ["a", "b"]})
    assert merged(live, sent(live, spec={"addresses": ["c"]}))["spec"] == {"addresses": ["c"]}
    keyed = {"f:spec": {"f:rules": {'k:{"id":1}': {".": {}, "f:id": {}}}}}
    live = an_object("Thing", "example.com/v1", by("x", keyed, version="example.com/v1"), spec={"rules": [{"id": 1}]})
    assert merged(live, sent(live, spec={"rules": [{"id": 2}]}))["spec"] == {"rules": [{"id": 1}, {"id": 2}]}


@pytest.mark.parametrize("inner", [["a"], {"deep": {"a": 1}}], ids=["a list", "a map"])
def test_what_nobody_has_set_in_another_kind_is_unknown(inner: Any) -> None:
    live = an_object("Thing", "example.com/v1", spec={"inner": inner})
    assert merged(live, sent(live, spec={"inner": inner}))["spec"] == {"inner": inner}
    with pytest.raises(Unknown, match=r"Thing demo/x is unknown: nobody has set spec\.inner"):
        merged(live, sent(live, spec={"inner": type(inner)(["b"]) if isinstance(inner, list) else {"other": 1}}))


def test_what_we_applied_in_another_version_of_the_api_is_unknown() -> None:
    live = an_object("ConfigMap", "v1", ours({"f:data": {"f:a": {}}}, version="v0"), data={"a": "1"})
    with pytest.raises(Unknown, match="another version"):
        merged(live, sent(live, data={"a": "1"}))


def test_a_type_takes_along_what_belongs_to_it() -> None:
    spec = {
        "type": "LoadBalancer", "externalTrafficPolicy": "Cluster", "internalTrafficPolicy": "Cluster",
        "allocateLoadBalancerNodePorts": True, "sessionAffinity": "None", "ports": [{"port": 80, "nodePort": 30001}],
    }  # fmt: skip
    live = an_object("Service", "v1", spec=spec)
    assert merged(live, sent(live, spec={"type": "ClusterIP"}))["spec"] == {
        "type": "ClusterIP", "internalTrafficPolicy": "Cluster", "sessionAffinity": "None", "ports": [{"port": 80}],
    }  # fmt: skip
    assert merged(live, sent(live, spec={"type": "NodePort"}))["spec"] == {
        key: value for key, value in spec.items() if key != "allocateLoadBalancerNodePorts"
    } | {"type": "NodePort"}  # fmt: skip
