"""The release manifest: MetalLB's own is taken as it is, whatever else is in the file is refused by name."""

from __future__ import annotations

from collections import Counter

import pytest

from k8snet_provision.metallb import release
from k8snet_provision.metallb.contents import CERTIFICATE, NEEDED
from k8snet_provision.metallb.release import NotMetallb
from k8snet_provision.resources.kube_object import ObjectRef
from tests.metallb.releases import manifest

ROLE = "rbac.authorization.k8s.io/v1"
OWN = "{kind: ServiceAccount, name: speaker, namespace: metallb-system}"


def test_the_pinned_release_is_taken_whole() -> None:
    found = release.parse(manifest())
    kinds = Counter(line.removeprefix("kind: ") for line in manifest().decode().splitlines() if line[:6] == "kind: ")
    assert Counter(item["kind"] for item in found) == kinds
    assert {*NEEDED, CERTIFICATE} <= {ObjectRef.of(item) for item in found}


def test_what_the_controller_fills_in_is_not_sent() -> None:
    """Sent, it would be ours, and be emptied again at every apply."""
    service = b"    service:\n      name: metallb-webhook-service"
    assert service in manifest()
    filled = manifest().replace(service, b"    caBundle: Cg==\n" + service)
    assert release.parse(filled) == release.parse(manifest())


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ("kind: Pod, apiVersion: v1, metadata: {name: miner, namespace: metallb-system}", "no object of kind Pod"),
        ("kind: MutatingWebhookConfiguration, apiVersion: admissionregistration.k8s.io/v1, metadata: {name: metallb}",
         "no object of kind MutatingWebhookConfiguration"),
        ("kind: ConfigMap, apiVersion: v1, metadata: {name: coredns, namespace: kube-system}",
         "ConfigMap kube-system/coredns: it is not in the namespace metallb-system"),
        ("kind: ConfigMap, apiVersion: v1, metadata: {name: c}", "it is not in the namespace metallb-system"),
        ("kind: Namespace, apiVersion: v1, metadata: {name: metallb}", "a namespace other than metallb-system"),
        (f"kind: ClusterRole, apiVersion: {ROLE}, metadata: {{name: cluster-admin}}, rules: []",
         "ClusterRole cluster-admin: an object of the whole cluster without MetalLB's name"),
        (f"kind: ClusterRole, apiVersion: {ROLE}, metadata: {{name: metallb}}, "
         "rules: [{apiGroups: ['*'], resources: ['*'], verbs: ['*']}]", "permits everything"),
        (f"kind: ClusterRole, apiVersion: {ROLE}, metadata: {{name: metallb}}, "
         "rules: [{apiGroups: [rbac.authorization.k8s.io], resources: [roles], verbs: [escalate]}]",
         "permits to get more permissions"),
        (f"kind: ClusterRole, apiVersion: {ROLE}, metadata: {{name: metallb}}, "
         "rules: [{apiGroups: [''], resources: [secrets], verbs: [list]}]", "Secrets of all namespaces"),
        (f"kind: ClusterRoleBinding, apiVersion: {ROLE}, metadata: {{name: metallb}}, subjects: [{OWN}], "
         "roleRef: {kind: ClusterRole, name: cluster-admin}", "grants ClusterRole cluster-admin"),
        (f"kind: ClusterRoleBinding, apiVersion: {ROLE}, metadata: {{name: metallb}}, "
         "subjects: [{kind: Group, name: 'system:unauthenticated'}], "
         "roleRef: {kind: ClusterRole, name: 'metallb-system:speaker'}", "Group system:unauthenticated"),
        ("kind: Secret, apiVersion: v1, metadata: {name: metallb-webhook-cert, namespace: metallb-system}, "
         "data: {tls.key: aGVsbG8=}", "a Secret other than the empty metallb-webhook-cert"),
        ("kind: CustomResourceDefinition, apiVersion: apiextensions.k8s.io/v1, metadata: {name: metallb.example.com}, "
         "spec: {group: example.com}", "a kind of the group example.com"),
        ("kind: ValidatingWebhookConfiguration, apiVersion: admissionregistration.k8s.io/v1, "
         "metadata: {name: metallb}, webhooks: [{name: all, clientConfig: {url: 'https://192.0.2.1/'}, "
         "rules: [{apiGroups: ['*']}]}]", "asked about objects other than MetalLB's"),
        (f"kind: RoleBinding, apiVersion: {ROLE}, metadata: {{name: b, namespace: metallb-system}}, roleRef: x",
         "not as the API describes its kind"),
    ],
)  # fmt: skip
def test_what_is_not_metallbs_is_refused_by_name(document: str, said: str) -> None:
    with pytest.raises(NotMetallb) as refused:
        release.parse(manifest() + f"\n---\n{{{document}}}\n".encode())
    assert any(said in text for text in refused.value.texts), refused.value.texts


def test_everything_is_told_at_once() -> None:
    with pytest.raises(NotMetallb) as refused:
        release.parse(b"apiVersion: v1\nkind: Pod\nmetadata: {name: a}\n")
    assert [text for text in refused.value.texts if text.startswith("no ")] == [f"no {ref}" for ref in NEEDED]
    assert any("kind Pod" in text for text in refused.value.texts)


@pytest.mark.parametrize(
    "garbage",
    [
        b"",
        b"\xff\xfe\x00",
        b"<html>not found</html>",
        b"a: [",
        b"- 1\n- 2\n",
        b"kind: 7\napiVersion: v1\nmetadata: {name: x}\n",
        b"kind: Pod\napiVersion: v1\nmetadata: {name: [x]}\n",
        b"a: &a [x, x]\nb: &b [*a, *a]\n",
        b"[" * 100_000,
        b"!!python/object/apply:os.system [id]\n",
        b"2020-13-45\n",
        b"apiVersion: v1\nkind: Pod\nmetadata: {name: x}\nspec: {since: 2020-01-01, x: .nan}\n",
    ],
)
def test_garbage_is_refused_in_words(garbage: bytes) -> None:
    with pytest.raises(NotMetallb) as refused:
        release.parse(garbage)
    assert all(text and "\n" not in text for text in refused.value.texts)


def test_a_part_of_the_manifest_is_not_a_release() -> None:
    with pytest.raises(NotMetallb):
        release.parse(manifest()[: len(manifest()) // 2])
