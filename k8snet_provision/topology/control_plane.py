"""Where the control plane's programs are; what is not given is found on the hosts."""

import re
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema

from .annotated import HostPath
from .base import Part
from .values import refuse


def _unit(value: Any) -> str:
    if not isinstance(value, str) or not re.fullmatch(r"[A-Za-z0-9_.@:-]{1,255}", value):
        raise refuse("not the name of a systemd unit", "a name such as kube-apiserver")
    return value.removesuffix(".service")


UnitName = Annotated[str, PlainValidator(_unit), WithJsonSchema({"type": "string"})]


class Units(Part):
    """Names of the systemd units, with or without `.service`."""

    kube_apiserver: UnitName = Field(default="kube-apiserver", description="The apiserver's unit.")
    kube_controller_manager: UnitName = Field(
        default="kube-controller-manager", description="The controller manager's unit."
    )
    kube_scheduler: UnitName = Field(default="kube-scheduler", description="The scheduler's unit.")
    kubelet: UnitName = Field(default="kubelet", description="The kubelet's unit, on nodes and on control planes.")
    kube_proxy: UnitName = Field(default="kube-proxy", description="kube-proxy's unit, where it is one.")


class ControlPlane(Part):
    """How the control plane runs."""

    kind: Literal["systemd", "kubeadm"] | None = Field(
        default=None,
        description="`systemd`: programs are units; `kubeadm`: static pods. Observed when not given.",
        examples=["systemd"],
    )
    kubectl: HostPath | None = Field(
        default=None,
        description="kubectl on the control planes; searched when not given.",
        examples=["/usr/bin/kubectl"],
    )
    kubeconfig: HostPath | None = Field(
        default=None,
        description="An administrator's kubeconfig on the control planes; searched when not given.",
        examples=["/etc/kubernetes/admin.conf"],
    )
    units: Units = Field(default=Units(), description="Names of the systemd units.", examples=[{"kubelet": "kubelet"}])
    manifests_dir: HostPath = Field(
        default="/etc/kubernetes/manifests", description="The kubelet's directory of static pods."
    )
