"""The controller on the node's own ports."""

import pytest
from testinfra.host import Host

testinfra_hosts = ["ingress"]


@pytest.mark.parametrize("port", [80, 443])
def test_the_controller_has_the_port_of_the_node(host: Host, port: int) -> None:
    assert host.socket(f"tcp://0.0.0.0:{port}").is_listening
    assert "nginx" in host.check_output("ss -Htlnp sport = :%s", str(port))
