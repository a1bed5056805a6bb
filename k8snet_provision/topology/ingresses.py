"""The catalogue of Ingresses that this tool owns."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import Field

from .annotated import AnnotationKey, AnnotationValue, IngressHost, IngressPath, LabelKey, LabelValue, Name, PortRef
from .base import Part
from .certificates import CertificatePair


class Backend(Part):
    """The Service that answers, in the Ingress's own namespace."""

    service: Name = Field(description="The Service's name.", examples=["shop"])
    port: PortRef = Field(default=80, description="The Service's port, by number or name.")


class PathRule(Backend):
    """Requests below a path."""

    path: IngressPath = Field(default="/", description="The path.", examples=["/api"])
    type: Literal["Prefix", "Exact", "ImplementationSpecific"] = Field(
        default="Prefix", description="Whether what is below the path counts too; the last for regular expressions."
    )


class HostRule(Part):
    """Requests for one host name."""

    host: IngressHost | None = Field(
        default=None,
        description="The host name, which may begin with `*.`; any when not given.",
        examples=["shop.example.com"],
    )
    paths: Annotated[tuple[PathRule, ...], Field(min_length=1)] = Field(
        description="Where its requests go.", examples=[[{"path": "/", "service": "shop", "port": 80}]]
    )


class Tls(CertificatePair):
    """HTTPS for host names: a certificate of the operator's, or the name of a Secret that is there."""

    hosts: Annotated[tuple[IngressHost, ...], Field(min_length=1)] = Field(
        description="Names it is for.", examples=[["shop.example.com"]]
    )
    secret: Name | None = Field(
        default=None,
        description="The Secret's name; made of the Ingress's name and the first host when not given.",
        examples=["shop-tls"],
    )


class IngressEntry(Part):
    """An Ingress and its TLS Secrets."""

    name: Name = Field(description="The Ingress's name.", examples=["shop"])
    namespace: Name = Field(default="default", description="The Ingress's namespace, which must be there.")
    class_name: Name | None = Field(
        default=None, description="Its IngressClass; ingress.class_name when not given.", examples=["nginx"]
    )
    rules: tuple[HostRule, ...] = Field(default=(), description="Host and path rules.")
    default_backend: Backend | None = Field(default=None, description="Answers what none of its rules matches.")
    tls: tuple[Tls, ...] = Field(default=(), description="HTTPS by host name.")
    rewrite_target: IngressPath | None = Field(
        default=None,
        description="What replaces the part of the path that a rule names: with `/`, the rule `/api` asks for "
        "`/x` when `/api/x` came. A target with `$1` or `$2` is passed on as it is, for paths of type "
        "ImplementationSpecific.",
        examples=["/"],
    )
    labels: Mapping[LabelKey, LabelValue] = Field(default={}, description="Labels of the Ingress.")
    annotations: Mapping[AnnotationKey, AnnotationValue] = Field(
        default={}, description="Annotations of the Ingress, passed on as they are."
    )
