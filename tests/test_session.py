"""What keeps a session from being opened, and what a look takes as something to be found."""

from __future__ import annotations

from pathlib import Path

import pytest

from k8snet_provision import assets, session
from k8snet_provision.drift import Severity
from k8snet_provision.problems import ProblemsFound
from k8snet_provision.session import AS_FINDINGS, Request
from tests.deploys.worlds import a_state, a_world, present
from tests.preflight.test_certificates import KEY_TEXT, NOW, pem

watched = assets.deploy_module("watched.ingress_certificates")

TOPOLOGY = """\
service_cidr: 10.96.0.0/16
ingress:
  pattern: load_balancer
  load_balancer: {address: 192.0.2.200}
  default_certificate: {certificate: tls.crt, key: tls.key}
"""


def an_inventory(tmp_path: Path, days: float) -> Path:
    directory = tmp_path / "inventory"
    directory.mkdir()
    (directory / "tls.crt").write_text(pem(days))
    (directory / "tls.key").write_text(KEY_TEXT)
    a_world(tmp_path, TOPOLOGY, told=AS_FINDINGS)
    return directory


def test_a_certificate_that_has_ended_keeps_apply_from_beginning_and_a_look_from_nothing(tmp_path: Path) -> None:
    asked = Request(an_inventory(tmp_path, -2000))
    with pytest.raises(ProblemsFound, match="K8N195"):
        session.opened(asked)
    warnings = session.opened(asked, AS_FINDINGS).warnings
    assert "K8N195" in {problem.code for problem in warnings}


def test_the_look_tells_it_as_a_finding(tmp_path: Path) -> None:
    an_inventory(tmp_path, -1)
    answers = {"watched:now": present(f"{NOW.timestamp():.0f}\n"), "ingress:certificate": present("")}
    world = a_world(tmp_path, TOPOLOGY, {}, a_state(said=answers), AS_FINDINGS)
    (finding,) = watched.in_cluster(world)
    assert (finding.severity, finding.text) == (Severity.CRITICAL, "ended 24 hours ago")
    assert finding.what == "ingress.default_certificate: certificate tls.crt"
