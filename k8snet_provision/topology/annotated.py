"""The values of the topology as field types: how pydantic reads them and how the JSON Schema shows them."""

from __future__ import annotations

from ipaddress import IPv4Address, IPv4Network, IPv6Address, IPv6Network
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, PlainSerializer, PlainValidator, WithJsonSchema

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
