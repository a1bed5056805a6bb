"""What is asked of the cluster: which objects a dry run refused."""

from __future__ import annotations

from k8snet_provision.looking import accepted
from k8snet_provision.resources.kube_object import ObjectRef


def test_what_kubectl_did_not_name_was_refused() -> None:
    """Also where two objects differ in their namespace only, which kubectl's names leave out."""
    ingress = "networking.k8s.io/v1"
    asked = [
        ObjectRef("v1", "Service", "shop", "a").skeleton(),
        ObjectRef(ingress, "Ingress", "shop", "a").skeleton(),
        ObjectRef(ingress, "Ingress", "bad", "a").skeleton(),
        ObjectRef(ingress, "Ingress", "shop", "b").skeleton(),
    ]
    printed = ["service/shop", "ingress.networking.k8s.io/shop", "ingress.networking.k8s.io/shop"]
    assert accepted(asked, printed) == [asked[0], asked[1], asked[3]]
    assert accepted(asked, []) == []
