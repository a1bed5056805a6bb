"""The values of the topology as field types: how pydantic reads them and how the JSON Schema shows them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

from .names import (
    HOST_NAME,
    INGRESS_PATH,
    INTERFACE,
    LABEL_KEY,
    LABEL_VALUE,
    NAME,
    QUANTITY,
    SHA256,
    parse_annotation,
    parse_argument,
    parse_ingress_host,
    parse_pattern,
    parse_port,
    parse_port_or_name,
    parse_quoted,
    parse_source,
)
from .values import (
    AddressRange,
    PortRange,
    parse_address,
    parse_address_range,
    parse_bind_address,
    parse_domain,
    parse_duration,
    parse_network,
    parse_node_port_address,
    parse_path,
    parse_port_range,
    parse_text,
    split_list,
)

_text = PlainSerializer(str, return_type=str)


def _string(**schema: Any) -> WithJsonSchema:
    return WithJsonSchema({"type": "string", **schema})


Network = Annotated[
    IPv4Network | IPv6Network, PlainValidator(parse_network), _text, _string(examples=["10.254.0.0/16"])
]
Networks = Annotated[
    tuple[Network, ...],
    Field(min_length=1),
    BeforeValidator(split_list),
    WithJsonSchema(
        {
            "anyOf": [
                {"type": "string", "description": "one network, or two with a comma between"},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 2},
            ]
        }
    ),
]
NodePortAddress = Annotated[IPv4Network | IPv6Network | str, PlainValidator(parse_node_port_address), _text, _string()]
BindAddress = Annotated[str, PlainValidator(parse_bind_address), _string()]
Address = Annotated[IPv4Address | IPv6Address, PlainValidator(parse_address), _text, _string()]
Pool = Annotated[AddressRange, PlainValidator(parse_address_range), _text, _string()]
Ports = Annotated[PortRange, PlainValidator(parse_port_range), _text, _string(pattern="^[0-9]{1,5}-[0-9]{1,5}$")]
Domain = Annotated[str, PlainValidator(parse_domain), _string(format="hostname")]
Duration = Annotated[str, PlainValidator(parse_duration), _string(examples=["1s"])]
HostPath = Annotated[str, PlainValidator(parse_path), _string(pattern="^/")]
Text = Annotated[str, PlainValidator(parse_text), _string()]

Name = Annotated[str, NAME, _string()]
LabelKey = Annotated[str, LABEL_KEY, _string()]
LabelValue = Annotated[str, LABEL_VALUE, _string()]
AnnotationKey = LabelKey
AnnotationValue = Annotated[str, PlainValidator(parse_annotation), _string()]
Quantity = Annotated[str, QUANTITY, _string()]
Interface = Annotated[str, INTERFACE, _string()]
Sha256 = Annotated[str, SHA256, _string()]
Source = Annotated[str, PlainValidator(parse_source), _string()]
HostName = Annotated[str, HOST_NAME, _string()]
Argument = Annotated[str, PlainValidator(parse_argument), _string()]
Quoted = Annotated[str, PlainValidator(parse_quoted), _string()]
IngressHost = Annotated[str, PlainValidator(parse_ingress_host), _string()]
IngressPath = Annotated[str, INGRESS_PATH, _string()]
PortNumber = Annotated[
    int, PlainValidator(parse_port), WithJsonSchema({"type": "integer", "minimum": 1, "maximum": 65535})
]
NodePort = PortNumber
PortRef = Annotated[
    int | str,
    PlainValidator(parse_port_or_name),
    WithJsonSchema({"anyOf": [{"type": "integer", "minimum": 1, "maximum": 65535}, {"type": "string"}]}),
]
OnePattern = BeforeValidator(parse_pattern)
