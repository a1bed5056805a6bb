"""What of a dry run's Service is known before it is made."""

from __future__ import annotations

from typing import Any

from k8snet_provision.resources.service import without_given


def a_service(**spec: Any) -> dict[str, Any]:
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "a", "namespace": "default"}, "spec": spec}


def test_an_address_that_the_server_would_choose_is_not_known() -> None:
    dry = a_service(clusterIP="10.96.0.1", clusterIPs=["10.96.0.1"], type="ClusterIP")
    assert without_given(dry, a_service(), None)["spec"] == {"type": "ClusterIP"}


def test_of_an_address_that_was_asked_for_the_list_is_known_too() -> None:
    """So that what is there afterwards is what the plan said, to the letter."""
    external = a_service(type="ExternalName", externalName="a.corp.example")
    for address in ("None", "10.96.0.53"):
        dry = a_service(clusterIP=address, clusterIPs=[address])
        assert without_given(dry, a_service(clusterIP=address), None) == dry
        assert without_given(dry, a_service(clusterIP=address), external) == dry


def test_a_second_address_that_the_server_would_choose_is_not_known() -> None:
    dry = a_service(clusterIP="10.96.0.53", clusterIPs=["10.96.0.53", "fd00::7"])
    assert without_given(dry, a_service(clusterIP="10.96.0.53"), None)["spec"] == {"clusterIP": "10.96.0.53"}
