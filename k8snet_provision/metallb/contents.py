"""What a release of MetalLB may hold: its own kinds, names and permissions, and nothing else.

The checksum says that it is the file the operator chose; these rules say that the file can be MetalLB's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterator, Sequence

from k8snet_provision.resources.kube_object import Manifest, ObjectRef

NAMESPACE = "metallb-system"
GROUP = "metallb.io"
RBAC = "rbac.authorization.k8s.io"

NAMESPACE_REF = ObjectRef("v1", "Namespace", NAMESPACE)
POOL_DEFINITION = ObjectRef("apiextensions.k8s.io/v1", "CustomResourceDefinition", f"ipaddresspools.{GROUP}")
CONTROLLER = ObjectRef("apps/v1", "Deployment", "controller", NAMESPACE)
SPEAKER = ObjectRef("apps/v1", "DaemonSet", "speaker", NAMESPACE)
CERTIFICATE = ObjectRef("v1", "Secret", "metallb-webhook-cert", NAMESPACE)
"""Empty in the manifest: the controller makes its webhook's certificate and key and keeps them there."""

MEMBERLIST = ObjectRef("v1", "ConfigMap", "metallb-memberlist-config", NAMESPACE)
"""Not in the manifest: speakers read how they notice each other's loss from it, where it is there."""

NEEDED = (NAMESPACE_REF, POOL_DEFINITION, CONTROLLER, SPEAKER)

NAMESPACED = ("ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Secret", "Service", "Deployment", "DaemonSet")
CLUSTER_WIDE = (
    "Namespace",
    "CustomResourceDefinition",
    "ClusterRole",
    "ClusterRoleBinding",
    "ValidatingWebhookConfiguration",
)


def strange(objects: Sequence[Manifest]) -> Iterator[str]:
    """What does not belong to MetalLB, one text for each; also what is missing."""
    refs = {ObjectRef.of(item) for item in objects}
    yield from (f"no {needed}" for needed in NEEDED if needed not in refs)
    if len(refs) < len(objects):
        yield "the same object twice"
    for item in objects:
        try:
            yield from (f"{ObjectRef.of(item)}: {text}" for text in _strange(item, refs))
        except (AttributeError, KeyError, TypeError):
            yield f"{ObjectRef.of(item)}: not as the API describes its kind"


def _strange(item: Manifest, refs: Collection[ObjectRef]) -> Iterator[str]:
    kind, meta = item["kind"], item["metadata"]
    if kind not in (*NAMESPACED, *CLUSTER_WIDE):
        yield f"MetalLB has no object of kind {kind}"
    if kind in NAMESPACED and meta.get("namespace") != NAMESPACE:
        yield f"it is not in the namespace {NAMESPACE}"
    if kind in CLUSTER_WIDE and not re.search(r"\bmetallb\b", meta["name"]):
        yield "an object of the whole cluster without MetalLB's name"
    if check := _CHECKS.get(kind):
        yield from check(item, refs)


def _namespace(item: Manifest, refs: Collection[ObjectRef]) -> Iterator[str]:
    if item["metadata"]["name"] != NAMESPACE:
        yield f"a namespace other than {NAMESPACE}"


def _definition(item: Manifest, refs: Collection[ObjectRef]) -> Iterator[str]:
    if item["spec"]["group"] != GROUP:
        yield f"it defines a kind of the group {item['spec']['group']}"


def _rules(item: Manifest, refs: Collection[ObjectRef]) -> Iterator[str]:
    for rule in item.get("rules") or ():
        if "*" in (*rule.get("apiGroups", ()), *rule.get("resources", ())) or "nonResourceURLs" in rule:
            yield "it permits everything of a kind"
        if {"bind", "escalate", "impersonate"} & set(rule["verbs"]):
            yield "it permits to get more permissions"
        if item["kind"] == "ClusterRole" and "secrets" in rule.get("resources", ()):
            yield "it permits the Secrets of all namespaces"


def _binding(item: Manifest, refs: Collection[ObjectRef]) -> Iterator[str]:
    """cluster-admin, say: MetalLB grants its own roles to its own ServiceAccounts only."""
    role = item["roleRef"]
    place = NAMESPACE if role["kind"] == "Role" else ""
    if ObjectRef(f"{RBAC}/v1", role["kind"], role["name"], place) not in refs:
        yield f"it grants {role['kind']} {role['name']}, which is not in the manifest"
    for subject in item.get("subjects") or ():
        if (subject["kind"], subject.get("namespace")) != ("ServiceAccount", NAMESPACE):
            yield f"it grants permissions to {subject['kind']} {subject['name']}"


def _secret(item: Manifest, refs: Collection[ObjectRef]) -> Iterator[str]:
    if ObjectRef.of(item) != CERTIFICATE or item.get("data") or item.get("stringData"):
        yield f"a Secret other than the empty {CERTIFICATE.name}"


def _webhooks(item: Manifest, refs: Collection[ObjectRef]) -> Iterator[str]:
    for hook in item["webhooks"]:
        if hook["clientConfig"].get("service", {}).get("namespace") != NAMESPACE:
            yield f"its webhook {hook['name']} is not served in {NAMESPACE}"
        if any(set(rule["apiGroups"]) != {GROUP} for rule in hook["rules"]):
            yield f"its webhook {hook['name']} is asked about objects other than MetalLB's"


_CHECKS: dict[str, Callable[[Manifest, Collection[ObjectRef]], Iterator[str]]] = {
    "Namespace": _namespace,
    "CustomResourceDefinition": _definition,
    "Role": _rules,
    "ClusterRole": _rules,
    "RoleBinding": _binding,
    "ClusterRoleBinding": _binding,
    "Secret": _secret,
    "ValidatingWebhookConfiguration": _webhooks,
}
