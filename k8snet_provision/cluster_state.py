"""The cluster's objects as one control-plane host reads them, and what a server-side dry run makes of ours.

All access goes through kubectl on that host: no kubeconfig leaves it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from shlex import quote
from typing import Any

from k8snet_provision.resources.kube_object import FIELD_MANAGER, GENERATED_LABEL, OWNED_LABEL, Manifest, ObjectRef
from k8snet_provision.resources.probe import ABSENT_CODE, HostSeen, Probe, Unknown

KUBECTLS = (
    "kubectl",
    "/usr/local/bin/kubectl",
    "/usr/bin/kubectl",
    "/opt/bin/kubectl",
    "/opt/kube/bin/kubectl",
)
KUBECONFIGS = (
    "/etc/kubernetes/admin.conf",
    "/etc/kubernetes/super-admin.conf",
    "/etc/kubernetes/kubectl.kubeconfig",
    "/etc/kubernetes/admin.kubeconfig",
    "/root/.kube/config",
)
"""Where kubeadm, kubespray and the usual hand-made layouts put them; the topology may name others."""

READING_KUBECONFIG = "/etc/k8snet-provision/drift.kubeconfig"
"""Of an account that may do no more than read, where `drift permissions` puts it; what an installed look goes by."""

OWNED_KINDS = (
    "namespaces,serviceaccounts,configmaps,secrets,services,endpointslices,deployments,daemonsets,"
    "poddisruptionbudgets,roles,rolebindings,clusterroles,clusterrolebindings,ingressclasses,ingresses,"
    "networkpolicies,validatingwebhookconfigurations,customresourcedefinitions"
)
OURS = f"{OWNED_LABEL}={FIELD_MANAGER},!{GENERATED_LABEL}"
"""Selects what is ours, but for Secrets whose key was made in the cluster: they never leave it."""

POD_ROWS = (
    "go-template={{range .items}}{{if not .metadata.deletionTimestamp}}"
    "{{with .metadata}}{{.uid}} {{.namespace}} {{.name}} "
    "{{with .ownerReferences}}{{(index . 0).kind}} {{(index . 0).name}}{{else}} {{end}}{{end}} "
    '{{.spec.nodeName}}{{"\\n"}}{{end}}{{end}}'
)
"""A line per Pod that stays; one that is being deleted still runs for up to its grace period, and is past mending."""


def kubectl(kubectl: str | None, kubeconfig: str | None) -> str:
    """sh that defines the function K: kubectl with the host's administrator kubeconfig and a time-out.

    What kubectl would keep of the API for the next time is not written: who only looks leaves no file behind.
    """
    programs = [kubectl] if kubectl else KUBECTLS
    configs = [kubeconfig] if kubeconfig else KUBECONFIGS
    return f"""
for k in {" ".join(map(quote, programs))}; do command -v "$k" >/dev/null 2>&1 && break; k=; done
[ "$k" ] || {{ echo "kubectl not found: tried {" ".join(map(quote, programs))}"; exit 1; }}
for c in {" ".join(map(quote, configs))}; do [ -r "$c" ] && break; c=; done
[ "$c" ] || {{ echo "no kubeconfig: tried {" ".join(map(quote, configs))}"; exit 1; }}
K() {{ "$k" --kubeconfig "$c" --cache-dir=/dev/null --request-timeout=15s "$@"; }}
"""


KUBECTL_HERE = """
command -v kubectl >/dev/null 2>&1 || { echo "kubectl is not in the path of this machine"; exit 1; }
bounded=--request-timeout=15s
[ -r /var/run/secrets/kubernetes.io/serviceaccount/token ] && [ -z "$KUBECONFIG" ] && bounded=
K() { kubectl $bounded "$@"; }
"""
"""The same on the machine that the tool runs on; which cluster it is about and who asks, kubectl finds itself.

A pod's own account it takes only where no flag says anything of the connection (client-go's deferred configuration);
then what bounds a call is the time that the whole script has.
"""


def probes(prelude: str, refs: Iterable[ObjectRef]) -> tuple[Probe, ...]:
    """What is read of the cluster. stderr joins stdout because it holds the reason when a call fails."""
    groups: dict[str, list[ObjectRef]] = {"": []}
    for ref in sorted(set(refs)):
        groups.setdefault(custom_group(ref), []).append(ref)
    not_found = f"""case $o in *"(NotFound)"*) exit {ABSENT_CODE} ;; esac; printf '%s' "$o"; exit 1"""

    def raw(path: str) -> str:
        return f"""{prelude} o=$(K get --raw {path} 2>&1) || {{ {not_found}; }}; printf '%s' "$o" """

    return (
        Probe("cluster:version", raw("/version")),
        Probe("cluster:nodes", raw("/api/v1/nodes")),
        Probe("cluster:services", raw("/api/v1/services")),
        Probe("cluster:servicecidrs", raw("/apis/networking.k8s.io/v1/servicecidrs")),
        Probe("cluster:pods", f"{prelude} K get pods -A -o {quote(POD_ROWS)} 2>&1"),
        Probe("cluster:objects", f"{prelude} {_get(groups.pop(''))} 2>&1"),
        Probe("cluster:owned", f"{prelude} K get {OWNED_KINDS} -A -l {quote(OURS)} --ignore-not-found -o json 2>&1"),
        *(probe for group, asked in groups.items() for probe in _custom(prelude, group, asked)),
    )


def custom_group(ref: ObjectRef) -> str:
    """The API group of a kind that a CustomResourceDefinition may add; empty for Kubernetes' own kinds."""
    group = ref.api_version.rpartition("/")[0]
    return group if "." in group and not group.endswith(".k8s.io") else ""


def _get(refs: Iterable[ObjectRef]) -> str:
    wanted = json.dumps({"apiVersion": "v1", "kind": "List", "items": [ref.skeleton() for ref in refs]})
    return f"printf '%s' {quote(wanted)} | K get -f - --ignore-not-found --show-managed-fields -o json"


def _custom(prelude: str, group: str, refs: Sequence[ObjectRef]) -> Iterable[Probe]:
    """Objects of kinds that may not be there yet: without their definition there are none."""
    kinds = ",".join(sorted({f"{ref.kind.lower()}.{group}" for ref in refs}))
    no_kind = f"""case $o in *"no matches for kind"* | *"have a resource type"*) exit {ABSENT_CODE} ;; esac"""
    asked = {
        "objects": _get(refs),
        "owned": f"K get {quote(kinds)} -A -l {quote(OURS)} --ignore-not-found -o json",
    }
    for key, command in asked.items():
        script = f"""{prelude} o=$({command} 2>&1) || {{ {no_kind}; printf '%s' "$o"; exit 1; }}; printf '%s' "$o" """
        yield Probe(f"cluster:{key}:{group}", script)


def dry_run(prelude: str, output: str) -> str:
    """Script that takes a List on stdin and tries out a server-side apply of it.

    `output`: "json" prints what it would leave, nothing where one object is refused; "name" those that are not.

    --force-conflicts: what we manage is taken over from whoever wrote it before, as the plan then shows.
    """
    apply = f"apply --server-side --force-conflicts --field-manager={FIELD_MANAGER}"
    return f"{prelude} K {apply} --dry-run=server -o {output} -f -"


@dataclass(frozen=True)
class Pod:
    uid: str
    namespace: str
    name: str
    owner_kind: str
    owner: str
    node: str


@dataclass(frozen=True)
class ClusterState:
    """`live` holds only objects that were asked for; `dry` what the dry run made of our manifests, or what it was
    foreseen to make of them; `unforeseen` those of which that could not be told.

    What is read is decoded once: hundreds of hosts ask for the nodes and pods they stand for.
    """

    seen: HostSeen | None
    why_not: str = ""
    reader: str = ""
    """The control-plane host that read it, and through which changes go."""
    dry: Mapping[ObjectRef, Manifest] = field(default_factory=dict)
    unforeseen: Mapping[ObjectRef, Unknown] = field(default_factory=dict)

    def _json(self, key: str) -> Any:
        if self.seen is None:
            raise Unknown("cluster", "objects", self.why_not)
        try:
            text = self.seen.text(f"cluster:{key}")
            return None if text is None else (json.loads(text) if text.strip() else {"items": []})
        except Unknown as unknown:
            raise Unknown("cluster", key, unknown.why) from None
        except json.JSONDecodeError:
            raise Unknown("cluster", key, f"kubectl answered no JSON: {(text or '')[:200]}") from None

    def said(self, key: str) -> str | None:
        """The answer to a capability's own question; None where there is nothing. Raises Unknown."""
        if self.seen is None:
            raise Unknown("cluster", key, self.why_not)
        return self.seen.text(key)

    def _items(self, key: str) -> Sequence[Manifest]:
        answer = self._json(key)
        if answer is None:
            return ()
        items: Sequence[Manifest] = answer.get("items", [answer])
        return items

    @cached_property
    def version(self) -> str:
        """As the API server writes it, e.g. "v1.36.3"."""
        return str(self._json("version")["gitVersion"])

    @cached_property
    def minor(self) -> tuple[int, int]:
        major, minor = self.version.lstrip("v").split(".")[:2]
        return int(major), int("".join(filter(str.isdigit, minor)))

    @cached_property
    def nodes(self) -> Sequence[Manifest]:
        return self._items("nodes")

    @cached_property
    def services(self) -> Sequence[Manifest]:
        return self._items("services")

    @cached_property
    def service_cidrs(self) -> Sequence[Manifest] | None:
        """None where the API server has no such kind (before Kubernetes 1.33)."""
        return None if self._json("servicecidrs") is None else self._items("servicecidrs")

    @cached_property
    def pods(self) -> Sequence[Pod]:
        if self.seen is None:
            raise Unknown("cluster", "objects", self.why_not)
        rows = (line.split(" ") for line in (self.seen.text("cluster:pods") or "").splitlines())
        return [Pod(*row) for row in rows if len(row) == 6]

    @cached_property
    def _objects(self) -> Sequence[Manifest]:
        return self._everywhere("objects")

    def _everywhere(self, key: str) -> Sequence[Manifest]:
        """Kubernetes' own kinds and those of other API groups."""
        self._json(key)
        keys = [k for k in self.seen.answers if f"{k}:".startswith(f"cluster:{key}:")] if self.seen else []
        return [item for k in keys for item in self._items(k.removeprefix("cluster:"))]

    def live(self, ref: ObjectRef) -> Manifest | None:
        return next((item for item in self._objects if same(ref, item)), None)

    @cached_property
    def owned(self) -> Sequence[Manifest]:
        """What carries our label, but for what the cluster makes of it: that belongs to another object."""
        return [item for item in self._everywhere("owned") if not item["metadata"].get("ownerReferences")]

    @cached_property
    def endpoint_slices(self) -> Sequence[Manifest]:
        """Of our Services, whose labels the cluster's own controller gives to the slices that it makes."""
        return [item for item in self._everywhere("owned") if item["kind"] == "EndpointSlice"]


def same(ref: ObjectRef, item: Mapping[str, Any]) -> bool:
    """Kind, name and namespace agree; the version of an API group may differ between request and answer."""
    found = ObjectRef.of(item)
    group = ref.api_version.rpartition("/")[0], found.api_version.rpartition("/")[0]
    return (ref.kind, ref.name, ref.namespace, group[0]) == (
        found.kind,
        found.name,
        found.namespace,
        group[1],
    )
