"""The two forms of the PROXY protocol, byte for byte as haproxy's doc/proxy-protocol.txt describes them."""

from __future__ import annotations

from ipaddress import IPv4Address

from k8snet_provision.verification.proxy_protocol import version_1, version_2

CLIENT, SERVER = IPv4Address("192.168.0.1"), IPv4Address("192.168.0.11")


def test_version_1_is_a_line_of_words() -> None:
    assert version_1(CLIENT, SERVER, 443) == b"PROXY TCP4 192.168.0.1 192.168.0.11 40000 443\r\n"


def test_version_2_is_a_signature_a_length_and_addresses() -> None:
    assert version_2(CLIENT, SERVER, 443).hex(" ") == (
        "0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a"  # the signature
        " 21 11 00 0c"  # version 2, PROXY; TCP over IPv4; 12 bytes follow
        " c0 a8 00 01 c0 a8 00 0b 9c 40 01 bb"
    )
