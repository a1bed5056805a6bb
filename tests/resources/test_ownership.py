"""Who owns fields of ours; the objects are written as an API server answers them."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from k8snet_provision.resources.kube_object import owned_by
from k8snet_provision.resources.ownership import Taken, differing, last_writer, taken_over

SENT: dict[str, Any] = owned_by(
    "shop",
    {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": {"name": "shop", "namespace": "demo"},
        "spec": {
            "replicas": 2,
            "template": {
                "spec": {
                    "tolerations": [{"operator": "Exists"}],
                    "containers": [{"name": "web", "image": "web:1", "ports": [{"containerPort": 80}]}],
                }
            },
        },
    },
)

PORT = 'k:{"containerPort":80,"protocol":"TCP"}'
EARLY, LATE, LATEST = "2026-03-01T10:00:00Z", "2026-03-01T11:00:00Z", "2026-03-02T09:00:00Z"


def an_entry(manager: str, time: str, fields: dict[str, Any], operation: str = "Update", **more: str) -> dict[str, Any]:
    return {
        "manager": manager, "operation": operation, "apiVersion": "apps/v1", "time": time, "fieldsV1": fields, **more
    }  # fmt: skip


def pod(**fields: Any) -> dict[str, Any]:
    return {"f:spec": {"f:template": {"f:spec": fields}}}


def web(**fields: Any) -> dict[str, Any]:
    return pod(**{"f:containers": {'k:{"name":"web"}': fields}})


OURS = an_entry("k8snet-provision", LATE, {"f:metadata": {"f:labels": {}}}, "Apply")


def live(*others: dict[str, Any]) -> dict[str, Any]:
    item = copy.deepcopy(SENT)
    item["metadata"]["managedFields"] = [copy.deepcopy(OURS), *others]
    return item


def paths(*others: dict[str, Any]) -> list[str]:
    return [taken.path for taken in taken_over(live(*others), SENT)]


def test_each_field_is_told_with_its_path_and_who_and_when() -> None:
    edit = an_entry("kubectl-edit", LATEST, web(**{"f:image": {}, "f:ports": {PORT: {".": {}, "f:containerPort": {}}}}))
    scale = an_entry("kubectl", "", {"f:spec": {"f:replicas": {}}}, subresource="scale")
    assert taken_over(live(edit, scale), SENT) == [
        Taken("spec.replicas", "kubectl", "Update", ""),
        Taken("spec.template.spec.containers[name=web].image", "kubectl-edit", "Update", LATEST),
        Taken(
            "spec.template.spec.containers[name=web].ports[containerPort=80,protocol=TCP].containerPort",
            "kubectl-edit",
            "Update",
            LATEST,
        ),
    ]


def test_a_label_with_a_slash_stands_in_brackets() -> None:
    label = {"f:metadata": {"f:labels": {"f:k8snet-provision/capability": {}}}}
    assert paths(an_entry("kubectl-label", LATEST, label)) == ["metadata.labels[k8snet-provision/capability]"]


@pytest.mark.parametrize(
    "other",
    [
        an_entry("kube-controller-manager", LATEST, {"f:spec": {"f:replicas": {}}}, subresource="status"),
        an_entry("kube-apiserver", LATEST, {"f:spec": {"f:replicas": {}}}),
        an_entry("before-first-apply", LATE, {"f:spec": {"f:replicas": {}}}),
        an_entry("helm", EARLY, {"f:spec": {"f:replicas": {}}}, "Apply"),
        an_entry("kubectl-edit", LATEST, {"f:spec": {"f:paused": {}}}),
        an_entry("kubectl-edit", LATEST, web(**{"f:env": {'k:{"name":"A"}': {"f:value": {}}}})),
        an_entry("mesh", LATEST, pod(**{"f:containers": {'k:{"name":"mesh"}': {"f:image": {}}}})),
    ],
    ids=["status", "the apiserver's own", "before us", "older than ours", "no field of ours", "in ours", "beside ours"],
)
def test_what_is_no_takeover(other: dict[str, Any]) -> None:
    assert paths(other) == []


def test_what_both_have_set_is_still_ours() -> None:
    item = live(an_entry("helm", LATEST, {"f:spec": {"f:replicas": {}}}, "Apply"))
    item["metadata"]["managedFields"][0]["fieldsV1"]["f:spec"] = {"f:replicas": {}}
    assert taken_over(item, SENT) == []


def test_an_object_that_never_was_ours_was_not_taken() -> None:
    item = live(an_entry("kubeadm", LATEST, {"f:spec": {"f:replicas": {}}}))
    item["metadata"] |= {"labels": {}, "managedFields": item["metadata"]["managedFields"][1:]}
    assert taken_over(item, SENT) == []


def test_where_nothing_is_left_to_us_all_was_taken() -> None:
    item = live(an_entry("argocd", LATEST, {"f:spec": {"f:replicas": {}}}))
    del item["metadata"]["managedFields"][0]
    assert taken_over(item, SENT) == [Taken("spec.replicas", "argocd", "Update", LATEST)]


def test_the_last_writer_of_a_field_or_of_what_is_in_it_or_around_it() -> None:
    item = live(
        an_entry("kubectl-edit", EARLY, web(**{"f:image": {}})),
        an_entry("helm", LATEST, pod(**{"f:tolerations": {}})),
        an_entry("kubelet", LATEST, web(**{"f:image": {}}), subresource="status"),
    )
    image = "spec.template.spec.containers[name=web].image"
    assert last_writer(item, [image]) == ("kubectl-edit", EARLY)
    assert last_writer(item, ["spec.template.spec"]) == ("helm", LATEST)
    assert last_writer(item, ["spec.template.spec.tolerations[0].operator", image]) == ("helm", LATEST)
    assert last_writer(item, ["metadata.labels"]) == ("k8snet-provision", LATE)
    assert last_writer(item, ["spec.templateX", "spec.replicas"]) is None
    assert last_writer(item, []) is None


def test_differences_go_by_the_items_that_the_server_tells_apart() -> None:
    item, wanted = live(), copy.deepcopy(SENT)
    wanted["spec"]["replicas"] = 3
    spec = wanted["spec"]["template"]["spec"]
    spec["containers"] = [{"name": "new", "image": "new:1"}, {**spec["containers"][0], "image": "web:2"}]
    spec["tolerations"] = [*spec["tolerations"], {"key": "x"}]
    del wanted["metadata"]["labels"]["app.kubernetes.io/managed-by"]
    assert sorted(differing(item, wanted)) == [
        "metadata.labels[app.kubernetes.io/managed-by]",
        "spec.replicas",
        "spec.template.spec.containers[name=new]",
        "spec.template.spec.containers[name=web].image",
        "spec.template.spec.tolerations",
    ]
