"""What of an object may differ from what was foreseen, and what may not."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest

from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import Manifest, to_text
from k8snet_provision.rollback import objects

SERVICE: Manifest = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"type": "LoadBalancer", "ports": [{"port": 80, "protocol": "TCP"}], "selector": {"app": "web"}},
}
"""As a dry run answers it, without what it does not allocate."""


def live_service(**spec: Any) -> Manifest:
    made = copy.deepcopy(SERVICE)
    made["metadata"] |= {
        "resourceVersion": "12",
        "finalizers": ["service.kubernetes.io/load-balancer-cleanup"],
        "annotations": {"metallb.io/ip-allocated-from-pool": "front"},
    }
    made["spec"] |= {"clusterIP": "10.96.7.7", "clusterIPs": ["10.96.7.7"], "healthCheckNodePort": 30555}
    made["spec"]["ports"][0]["nodePort"] = 30123
    made["spec"] |= spec
    return made


def test_addresses_and_ports_that_nobody_asked_for_are_the_clusters() -> None:
    assert objects.alike(live_service(), to_text(SERVICE), SERVICE)


@pytest.mark.parametrize("spec", [{"selector": {"app": "other"}}, {"type": "NodePort"}, {"externalName": "x"}])
def test_fields_of_ours_must_be_as_they_were_made(spec: dict[str, Any]) -> None:
    assert not objects.alike(live_service(**spec), to_text(SERVICE), SERVICE)


def test_an_annotation_of_somebody_else_is_a_difference() -> None:
    live = live_service()
    live["metadata"]["annotations"]["team"] = "shop"
    assert not objects.alike(live, to_text(SERVICE), SERVICE)


def test_an_address_and_a_port_that_were_asked_for_are_compared() -> None:
    asked = copy.deepcopy(SERVICE)
    asked["spec"] |= {"clusterIP": "10.96.0.99", "ports": [{"port": 80, "protocol": "TCP", "nodePort": 30080}]}
    assert not objects.alike(live_service(), to_text(asked), asked)
    right = live_service(clusterIP="10.96.0.99", clusterIPs=["10.96.0.99"])
    right["spec"]["ports"][0]["nodePort"] = 30080
    kept = copy.deepcopy(asked)
    kept["spec"]["clusterIPs"] = ["10.96.0.99"]
    assert objects.alike(right, to_text(kept), asked)


def test_headless_is_no_address_that_the_cluster_chose() -> None:
    headless = copy.deepcopy(SERVICE)
    headless["spec"] |= {"clusterIP": "None", "clusterIPs": ["None"]}
    assert not objects.alike(live_service(), to_text(headless), None)


def test_the_ca_bundle_is_a_controllers() -> None:
    def webhook(bundle: str, policy: str = "Fail") -> Manifest:
        hooks = [{"name": "v", "clientConfig": {"service": {"name": "w"}, "caBundle": bundle}, "failurePolicy": policy}]
        return {"apiVersion": "admissionregistration.k8s.io/v1", "kind": "ValidatingWebhookConfiguration",
                "metadata": {"name": "v"}, "webhooks": hooks}  # fmt: skip

    assert objects.alike(webhook("AAAA"), to_text(webhook("")), None)
    assert not objects.alike(webhook("AAAA", "Ignore"), to_text(webhook("")), None)


def test_a_restart_is_no_other_definition() -> None:
    def deployment(**annotations: str) -> Manifest:
        template = {"metadata": {"labels": {"a": "b"}, **({"annotations": annotations} if annotations else {})}}
        return {"apiVersion": "apps/v1", "kind": "Deployment", "metadata": {"name": "d", "namespace": "n"},
                "spec": {"template": template}}  # fmt: skip

    restarted = deployment(**{"kubectl.kubernetes.io/restartedAt": "2026-11-21T02:00:00Z"})
    assert objects.alike(restarted, to_text(deployment()), None)
    assert not objects.alike(deployment(other="x"), to_text(deployment()), None)


def test_what_is_gone_is_only_like_what_was_not_there() -> None:
    assert objects.alike(None, None, None)
    assert not objects.alike(None, to_text(SERVICE), None)
    assert not objects.alike(SERVICE, None, None)


def test_the_content_of_a_secret_is_written_by_others_once_their_manager_has_it() -> None:
    entry = {"manager": "k8snet-provision", "operation": "Apply", "fieldsV1": {"f:data": {}}}
    live = {"metadata": {"managedFields": [entry]}}
    assert objects.of_others(live) == ""
    live["metadata"]["managedFields"].append({"manager": "kubectl-edit", "fieldsV1": {"f:data": {"f:k": {}}}})
    assert objects.of_others(live) == "kubectl-edit"
    labels = {kube_object.GENERATED_LABEL: "true"}
    assert objects.of_others({"metadata": {**live["metadata"], "labels": labels}}) == ""


def test_an_object_is_found_by_what_was_sent_or_by_its_name_where_that_is_secret() -> None:
    (made,) = kube_object.change("services", None, SERVICE)
    assert str(objects.ref(made)) == "Service shop/web"
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "tls", "namespace": "shop"}}
    (made,) = kube_object.change("ingresses", None, secret)
    kept = type(made)(**{**vars(made), "details": {}, "after": ""})
    assert str(objects.ref(kept)) == "Secret shop/tls"
    assert json.loads(made.details["manifest"]) == secret


WORKLOAD: Manifest = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web", "namespace": "shop"},
    "spec": {"template": {"spec": {"containers": [{"name": "web", "image": "web:1"}], "tolerations": []}}},
}


def test_what_the_server_could_not_be_asked_about_is_filled_in_by_it() -> None:
    """Its Namespace was made in the same run: the plan holds no more than what was sent."""
    live: Manifest = {
        **WORKLOAD,
        "spec": {
            "progressDeadlineSeconds": 600,
            "template": {"spec": {"containers": [{"name": "web", "image": "web:1", "imagePullPolicy": "Always"}]}},
        },
    }
    assert objects.alike(live, to_text(WORKLOAD), WORKLOAD, guessed=True)
    other = copy.deepcopy(live)
    other["spec"]["template"]["spec"]["containers"][0]["image"] = "web:2"
    assert not objects.alike(other, to_text(WORKLOAD), WORKLOAD, guessed=True)
    more = copy.deepcopy(live)
    more["spec"]["template"]["spec"]["containers"].append({"name": "other", "image": "other"})
    assert not objects.alike(more, to_text(WORKLOAD), WORKLOAD, guessed=True)
