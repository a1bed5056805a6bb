"""The way in, as a client outside the cluster meets it. The machine that runs the lab is one."""

import os
from pathlib import Path

from testinfra.host import Host

testinfra_hosts = ["local://"]

LAB = Path(os.environ["MOLECULE_EPHEMERAL_DIRECTORY"]) / "lab"
ADDRESS = "10.132.1.200"  # the pool's first


def test_a_request_reaches_the_application_with_its_client_s_address(host: Host) -> None:
    authority, place = str(LAB / ".lab" / "tls" / "ca.crt"), f"app.lab.test:443:{ADDRESS}"
    answer = host.check_output("curl -sSfm10 --cacert %s --resolve %s https://app.lab.test/hello", authority, place)
    request, *headers = answer.splitlines()
    assert request.startswith("app-") and request.endswith(" GET app.lab.test /hello")
    assert "X-Forwarded-For: 10.132.1.1" in headers


def test_a_host_that_no_ingress_names_is_not_served(host: Host) -> None:
    asked = "curl -sm10 -o /dev/null -w '%%{http_code}' -H 'Host: other.lab.test' http://%s/"
    assert host.check_output(asked, ADDRESS) == "404"
