"""What a proxy writes before a connection's first byte to say who the client is.

Source: haproxy/haproxy, doc/proxy-protocol.txt, sections 2.1 and 2.2.
"""

from __future__ import annotations

import struct
from ipaddress import IPv4Address

SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
PROXIED = 0x21  # version 2, command PROXY
TCP_OVER_IPV4 = 0x11


def version_1(client: IPv4Address, server: IPv4Address, port: int) -> bytes:
    """The line in words; `port` is the server's."""
    return f"PROXY TCP4 {client} {server} 40000 {port}\r\n".encode()


def version_2(client: IPv4Address, server: IPv4Address, port: int) -> bytes:
    """The binary header; `port` is the server's."""
    addresses = client.packed + server.packed + struct.pack("!HH", 40000, port)
    return SIGNATURE + struct.pack("!BBH", PROXIED, TCP_OVER_IPV4, len(addresses)) + addresses
