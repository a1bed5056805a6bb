"""What the API server adds to what is sent: defaults of Kubernetes' own kinds, by place (pkg/apis/*/v1/defaults.go).

Only where something is new, or replaced as a whole, does it matter: elsewhere the live object has them already.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from k8snet_provision.resources import places

RBAC = "rbac.authorization.k8s.io"
TCP = {"protocol": "TCP"}
MODE = {"defaultMode": 420}
PROBES = ("livenessProbe", "readinessProbe", "startupProbe")
PROBE = {"timeoutSeconds": 1, "periodSeconds": 10, "successThreshold": 1, "failureThreshold": 3}
HTTP_GET = {"path": "/", "scheme": "HTTP"}
FIELD_REF = {"apiVersion": "v1"}
RESOURCE_REF = {"divisor": "0"}
ROLLING = "RollingUpdate"


def _pull_policy(container: Mapping[str, Any]) -> dict[str, Any]:
    """Always for the tag latest, named or not."""
    image = str(container.get("image", ""))
    tag = image.rpartition("/")[2].partition(":")[2]
    latest = "@" not in image and tag in ("", "latest")
    return {"imagePullPolicy": "Always" if latest else "IfNotPresent"}


def _subject(subject: Mapping[str, Any]) -> dict[str, Any]:
    return {"apiGroup": RBAC} if subject.get("kind") in ("User", "Group") else {}


def _rolling(**inner: Any) -> Callable[[Mapping[str, Any]], dict[str, Any]]:
    """What a strategy has; the parts of a rolling update only where it is one."""

    def defaults(strategy: Mapping[str, Any]) -> dict[str, Any]:
        rolls = strategy.get("type", ROLLING) == ROLLING
        return {"type": ROLLING, **({"rollingUpdate": inner} if rolls else {})}

    return defaults


def _port(port: Mapping[str, Any]) -> dict[str, Any]:
    return {**TCP, "targetPort": port.get("port")}


_SURGING = {"maxUnavailable": "25%", "maxSurge": "25%"}
_ONE_BY_ONE = {"maxUnavailable": 1, "maxSurge": 0}
_HOOKS = "ValidatingWebhookConfiguration.webhooks[]"

DEFAULTS: Mapping[str, Mapping[str, Any] | Callable[[Mapping[str, Any]], Mapping[str, Any]]] = {
    "pod": {
        "dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler",
        "securityContext": {}, "terminationGracePeriodSeconds": 30,
    },
    "pod.containers[]": lambda container: {
        "resources": {}, "terminationMessagePath": "/dev/termination-log", "terminationMessagePolicy": "File",
        **_pull_policy(container),
    },
    "pod.containers[].ports[]": TCP,
    "pod.containers[].env[].valueFrom.fieldRef": FIELD_REF,
    "pod.containers[].env[].valueFrom.resourceFieldRef": RESOURCE_REF,
    **{f"pod.containers[].{probe}": PROBE for probe in PROBES},
    **{
        f"pod.containers[].{asked}.httpGet": HTTP_GET
        for asked in (*PROBES, "lifecycle.preStop", "lifecycle.postStart")
    },
    **{f"pod.containers[].{probe}.grpc": {"service": ""} for probe in PROBES},
    "pod.volumes[].configMap": MODE,
    "pod.volumes[].secret": MODE,
    "pod.volumes[].downwardAPI": MODE,
    "pod.volumes[].downwardAPI.items[].fieldRef": FIELD_REF,
    "pod.volumes[].downwardAPI.items[].resourceFieldRef": RESOURCE_REF,
    "pod.volumes[].projected": MODE,
    "pod.volumes[].projected.sources[].serviceAccountToken": {"expirationSeconds": 3600},
    "pod.volumes[].projected.sources[].downwardAPI.items[].fieldRef": FIELD_REF,
    "pod.volumes[].projected.sources[].downwardAPI.items[].resourceFieldRef": RESOURCE_REF,
    "pod.volumes[].hostPath": {"type": ""},
    "Deployment.spec": {"replicas": 1, "revisionHistoryLimit": 10, "progressDeadlineSeconds": 600, "strategy": {}},
    "Deployment.spec.strategy": _rolling(**_SURGING),
    "Deployment.spec.strategy.rollingUpdate": _SURGING,
    "DaemonSet.spec": {"revisionHistoryLimit": 10, "updateStrategy": {}},
    "DaemonSet.spec.updateStrategy": _rolling(**_ONE_BY_ONE),
    "DaemonSet.spec.updateStrategy.rollingUpdate": _ONE_BY_ONE,
    "Service.spec": {"type": "ClusterIP", "sessionAffinity": "None"},
    "Service.spec.ports[]": _port,
    "Secret": {"type": "Opaque"},
    "EndpointSlice.ports[]": {"name": "", **TCP},
    "NetworkPolicy.spec.ingress[].ports[]": TCP,
    "NetworkPolicy.spec.egress[].ports[]": TCP,
    "RoleBinding.roleRef": {"apiGroup": RBAC},
    "RoleBinding.subjects[]": _subject,
    "ClusterRoleBinding.roleRef": {"apiGroup": RBAC},
    "ClusterRoleBinding.subjects[]": _subject,
    _HOOKS: {
        "failurePolicy": "Fail", "matchPolicy": "Equivalent", "namespaceSelector": {}, "objectSelector": {},
        "timeoutSeconds": 10,
    },
    f"{_HOOKS}.clientConfig.service": {"port": 443},
    f"{_HOOKS}.rules[]": {"scope": "*"},
    "CustomResourceDefinition.spec": {"conversion": {"strategy": "None"}},
    "CustomResourceDefinition.spec.conversion.webhook.clientConfig.service": {"port": 443},
}  # fmt: skip


def of(place: str, value: Mapping[str, Any]) -> Mapping[str, Any]:
    """The defaults of a map at that place, given what else is in it."""
    found = DEFAULTS.get(place, {})
    return found(value) if callable(found) else found


def filled(place: str, value: Any) -> Any:
    """The value with all defaults at its place and below, as the server makes it of something new."""
    if isinstance(value, Mapping):
        whole = {**of(place, value), **value}
        return {key: filled(places.at(place, key), item) for key, item in whole.items()}
    if isinstance(value, list):
        return [filled(places.items(place), item) for item in value]
    return value
