"""The admission webhook in a plan: made last, deleted first, its certificate renewed in time."""

from __future__ import annotations

import json
import subprocess
from base64 import b64decode
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from k8snet_provision import assets
from k8snet_provision.change import Action, Kind
from k8snet_provision.ingress import admission
from k8snet_provision.resources import kube_object
from k8snet_provision.resources.kube_object import Manifest
from tests.deploys.ingress_world import Scene, certificate_of, there

ingress_admission = assets.deploy_module("ingress_admission")

DAY = 86400


KUBECTL = """K() {{
  case $* in
    *apply*) cat >{0}/applied ;;
    *"get secret"*) base64 -w 0 {0}/before ;;
    *) return 1 ;;
  esac
}}"""


def made(folder: Path, before: str = "") -> dict[str, str]:
    """What the script for a control-plane host leaves in the Secret, by key, from a kubectl that keeps what it gets."""
    folder.mkdir()
    (folder / "before").write_text(before)
    script = admission.script("web", KUBECTL.format(folder))
    done = subprocess.run(["sh"], input=script, text=True, capture_output=True, timeout=30, check=False)
    assert done.returncode == 0, done.stderr
    data = json.loads((folder / "applied").read_text())["data"]
    return {key: b64decode(value).decode() for key, value in data.items()}


@pytest.fixture(scope="module")
def secret(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    return made(tmp_path_factory.mktemp("secret") / "one")


def now() -> int:
    return int(datetime.now(UTC).timestamp())


def scene(secret: dict[str, str], seconds: int = 0, *, owned: tuple[Manifest, ...] = (), extra: str = "") -> Scene:
    seen = certificate_of(secret["ca.crt"], secret["tls.crt"], now() + seconds)
    return Scene(f"pattern: load_balancer\nnamespace: web\n{extra}", certificate=seen, owned=owned)


def names(scene: Scene, tmp_path: Path) -> list[tuple[str, Kind, Action]]:
    return [
        (change.phase, change.kind, change.action)
        for change in scene.plan(tmp_path).changes
        if change.kind is Kind.CERTIFICATE or change.name.startswith("Validating")
    ]


def test_the_certificate_is_for_the_service_and_of_the_ca_beside_it(secret: dict[str, str]) -> None:
    certificate = x509.load_pem_x509_certificate(secret["tls.crt"].encode())
    certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(secret["ca.crt"].encode()))
    found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert found.get_values_for_type(x509.DNSName) == ["ingress-nginx-webhook.web.svc"]
    assert certificate.not_valid_after_utc - datetime.now(UTC) > timedelta(days=1000)


def test_a_new_certificate_keeps_the_ca_before_it_and_none_that_is_older(
    secret: dict[str, str], tmp_path: Path
) -> None:
    renewed = made(tmp_path / "renewed", secret["ca.crt"])
    assert renewed["ca.crt"].endswith(secret["ca.crt"])
    again = made(tmp_path / "again", renewed["ca.crt"])
    assert again["ca.crt"].count("BEGIN CERTIFICATE") == 2
    assert secret["ca.crt"].strip() not in again["ca.crt"]


def test_without_a_certificate_one_is_made_before_the_pods_and_the_webhook_comes_last(tmp_path: Path) -> None:
    assert names(Scene("pattern: load_balancer"), tmp_path) == [
        ("ingress-nginx", Kind.CERTIFICATE, Action.CREATE),
        ("ingress-admission", Kind.OBJECT, Action.CREATE),
    ]


def test_a_good_certificate_is_kept_and_believed(secret: dict[str, str], tmp_path: Path) -> None:
    assert names(scene(secret), tmp_path) == [("ingress-admission", Kind.OBJECT, Action.CREATE)]


@pytest.mark.parametrize(("days", "renewed"), [(700, False), (740, True), (1200, True)])
def test_a_certificate_is_renewed_in_the_last_third_of_its_life(
    secret: dict[str, str], tmp_path: Path, days: int, renewed: bool
) -> None:
    changes = names(scene(secret, days * DAY), tmp_path)
    assert (("ingress-admission", Kind.CERTIFICATE, Action.UPDATE) in changes) == renewed


def test_a_certificate_for_another_namespace_is_replaced(secret: dict[str, str], tmp_path: Path) -> None:
    moved = scene(secret)
    moved.ingress = "pattern: load_balancer\nnamespace: elsewhere"
    assert ("ingress-admission", Kind.CERTIFICATE, Action.UPDATE) in names(moved, tmp_path)


def test_a_webhook_that_is_not_wanted_any_more_goes_before_anything_else(
    secret: dict[str, str], tmp_path: Path
) -> None:
    ingress = Scene("pattern: load_balancer\nnamespace: web").world(tmp_path / "made").topology.ingress
    live = ingress_admission.configuration(ingress, "eA==")
    live["metadata"]["generation"] = 1
    owned = there(tmp_path, "load_balancer", "namespace: web")
    plan = scene(secret, owned=(*owned, live), extra="admission: false").plan(tmp_path)
    assert plan.changes[0].name == "ValidatingWebhookConfiguration ingress-nginx-webhook"
    assert plan.changes[0].action is Action.DELETE
    deleted = [change.name for change in plan.changes if change.phase == "ingress-retired"]
    assert deleted == ["Secret web/ingress-nginx-webhook", "Service web/ingress-nginx-webhook"]


def test_a_configuration_that_was_just_made_can_be_put_back(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Left behind by a failed run it would refuse every Ingress: nobody answers for it."""
    scripts: list[tuple[str, bytes]] = []
    taken = lambda text, stdin=b"", **_: scripts.append((text, stdin))  # noqa: E731
    monkeypatch.setattr(ingress_admission.operations, "run_script", taken)
    plan = Scene("pattern: load_balancer").plan(tmp_path)
    (made,) = [change for change in plan.of("ingress-admission") if change.kind is Kind.OBJECT]
    back = kube_object.undone(made)
    assert back is not None and back.action is Action.DELETE
    ingress_admission._configure(back, "")
    ((script, stdin),) = scripts
    assert "K delete" in script
    assert json.loads(stdin)["metadata"] == {"name": "ingress-nginx-webhook"}
