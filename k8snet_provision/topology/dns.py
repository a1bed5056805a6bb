"""CoreDNS: the Corefile's content, the Deployment's size, and the address of the kube-dns Service."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, PlainValidator, WithJsonSchema
from pydantic_core import PydanticCustomError

from .annotated import Address, Domain, Text
from .base import Part
from .images import ImageName
from .values import IPAddress, parse_address, parse_path, refuse

_SERVER = re.compile(r"(?:(?:dns|tls)://)?(?:\[([^\]]*)\]|([^\[\]:]*)):([0-9]{1,5})\Z")
_BARE = re.compile(r"(?:(?:dns|tls)://)?(.*)\Z", re.DOTALL)


def server_address(server: str) -> IPAddress | None:
    """The address in `192.0.2.53`, `192.0.2.53:5353`, `[2001:db8::53]:53` or `tls://...`; None for a path."""
    match = _SERVER.match(server)
    host = (match[1] or match[2]) if match else _BARE.match(server)[1]  # type: ignore[index]
    try:
        return parse_address(host)
    except PydanticCustomError:
        return None


def _server(value: Any) -> str:
    expected = "an address, optionally with a port or tls:// before it, such as 192.0.2.53:53"
    if not isinstance(value, str) or len(value) > 80 or server_address(value) is None:
        raise refuse("not a DNS server", expected)
    match = _SERVER.match(value)
    if match and not 1 <= int(match[3]) <= 65535:
        raise refuse("not a DNS server: the port is outside 1-65535", expected)
    return value


def _upstream(value: Any) -> str:
    return parse_path(value) if isinstance(value, str) and value.startswith("/") else _server(value)


Server = Annotated[str, PlainValidator(_server), WithJsonSchema({"type": "string"})]
Upstream = Annotated[str, PlainValidator(_upstream), WithJsonSchema({"type": "string"})]


class Cache(Part):
    """Longest time that CoreDNS keeps an answer."""

    positive: int = Field(default=30, ge=1, le=86400, description="Seconds for names that exist.")
    negative: int = Field(default=30, ge=1, le=86400, description="Seconds for names that do not.")


class Dns(Part):
    """CoreDNS in the cluster. Without this section CoreDNS is left as it is, at the DNS address."""

    address: Address | None = Field(
        default=None,
        description="ClusterIP of the kube-dns Service; the 10th of the first service_cidr when not given.",
        examples=["10.254.0.10"],
    )
    upstreams: Annotated[tuple[Upstream, ...], Field(min_length=1, max_length=15)] = Field(
        default=("/etc/resolv.conf",),
        description="Servers for names outside the cluster, or a resolv.conf inside the pod.",
        examples=[["192.0.2.53", "192.0.2.54"]],
    )
    stub_domains: Mapping[Domain, Annotated[tuple[Server, ...], Field(min_length=1, max_length=15)]] = Field(
        default={},
        description="Domains that have their own servers.",
        examples=[{"corp.example": ["192.0.2.53"]}],
    )
    hosts: Mapping[Address, Annotated[tuple[Domain, ...], Field(min_length=1)]] = Field(
        default={},
        description="Names answered with a fixed address, as in /etc/hosts.",
        examples=[{"192.0.2.80": ["registry.corp.example"]}],
    )
    cache: Cache | None = Field(default=Cache(), description="Longest time an answer is kept; null: no cache.")
    ttl: int = Field(default=30, ge=0, le=3600, description="TTL in seconds of the cluster's own names.")
    extra_server_blocks: Text = Field(
        default="",
        description="Server blocks added to the Corefile as they are.",
        examples=["consul.:53 {\n    forward . 192.0.2.60:8600\n}\n"],
    )
    replicas: int = Field(default=2, ge=1, le=1000, description="CoreDNS pods.")
    image: ImageName | None = Field(
        default=None,
        description="CoreDNS image before mirrors apply; as observed when not given.",
        examples=["registry.k8s.io/coredns/coredns:v1.14.2"],
    )
    pod_disruption_budget: bool = Field(
        default=True, description="Keep all but one pod during drains (a PodDisruptionBudget)."
    )
    spread: Literal["preferred", "required", "none"] = Field(
        default="preferred", description="Whether pods go to different nodes."
    )
