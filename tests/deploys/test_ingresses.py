"""Ingresses of the catalogue in a plan: paths as operators expect them, and keys that nobody gets to see."""

from __future__ import annotations

import json
import re
import subprocess
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec

from k8snet_provision import assets, planning
from k8snet_provision.capability import Phase
from k8snet_provision.plan import Plan
from k8snet_provision.reports import console
from k8snet_provision.resources.kube_object import ObjectRef, owned_by
from k8snet_provision.seen import World
from tests.deploys.worlds import a_service, a_state, a_world

ingresses = assets.deploy_module("ingresses")

DEMO = ObjectRef("v1", "Namespace", "demo").skeleton()
PATHS = "rules: [{host: shop.example.com, paths: [{path: /, service: shop}]}]"
LONG = ".".join(["a" * 60] * 4)
HOSTS = ("shop.example.com", "*.shop.example.com", LONG, f"b.{LONG[2:]}")


PAIR = "certificate: tls/shop.crt, key: tls/shop.key"


def a_pair() -> tuple[str, str]:
    """A certificate for HOSTS and its key, as PEM."""
    key, name, now = ec.generate_private_key(ec.SECP256R1()), x509.Name([]), datetime.now(UTC)
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - timedelta(hours=1)).not_valid_after(now + timedelta(days=90))
    names = x509.SubjectAlternativeName([x509.DNSName(host) for host in HOSTS])
    certificate = builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
    pem, pkcs8 = serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8
    text = key.private_bytes(pem, pkcs8, serialization.NoEncryption())
    return certificate.public_bytes(pem).decode(), text.decode()


CERTIFICATE, KEY = a_pair()


def world(tmp_path: Path, section: str, *objects: Mapping[str, Any], before: str = "") -> World:
    tls = tmp_path / "inventory" / "tls"
    tls.mkdir(parents=True, exist_ok=True)
    (tls / "shop.crt").write_text(CERTIFICATE)
    (tls / "shop.key").write_text(KEY)
    owned = [item for item in objects if "labels" in item["metadata"]]
    state = a_state(objects=[DEMO, *objects], owned=owned, services=[a_service("demo", "shop", "10.254.0.9")])
    return a_world(tmp_path, f"service_cidr: 10.254.0.0/16\n{before}\n{section}", state=state)


def one(entry: str) -> str:
    return f"ingresses:\n- {{name: shop, namespace: demo, {entry}}}"


def planned(world: World) -> Plan:
    plan = planning.make([Phase(ingresses.CAPABILITY)], world, ["cp1"], 0.0)
    assert plan.incomplete == ()
    return plan


def wanted(world: World) -> dict[str, Any]:
    """The manifests by kind."""
    return {item["kind"]: item for item in ingresses.manifests(world)}


def ours(ref: ObjectRef, **more: Any) -> dict[str, Any]:
    item = owned_by("ingresses", ref.skeleton())
    return {**item, "metadata": {**item["metadata"], "resourceVersion": "7"}, **more}


def changed(plan: Plan) -> Sequence[tuple[str, str]]:
    return [(str(change.action), change.name) for change in plan.changes]


def test_an_entry_is_the_ingress_that_the_api_describes(tmp_path: Path) -> None:
    entry = """annotations: {a.example/b: "c"}, default_backend: {service: other, port: web},
    rules: [{host: shop.example.com, paths: [{path: /, service: shop}, {path: /x, type: Exact, service: x, port: 81}]},
      {paths: [{path: /any, service: shop, type: ImplementationSpecific}]}],
    tls: [{hosts: [shop.example.com], secret: theirs}]"""
    ingress = wanted(world(tmp_path, one(entry), before="ingress: {pattern: load_balancer, class_name: edge}"))[
        "Ingress"
    ]
    assert ingress["metadata"]["annotations"] == {"a.example/b": "c"}

    def backend(name: str, port: Mapping[str, Any]) -> Mapping[str, Any]:
        return {"service": {"name": name, "port": port}}

    assert ingress["spec"] == {
        "ingressClassName": "edge",
        "defaultBackend": backend("other", {"name": "web"}),
        "rules": [
            {
                "host": "shop.example.com",
                "http": {
                    "paths": [
                        {"path": "/", "pathType": "Prefix", "backend": backend("shop", {"number": 80})},
                        {"path": "/x", "pathType": "Exact", "backend": backend("x", {"number": 81})},
                    ]
                },
            },
            {
                "http": {
                    "paths": [
                        {
                            "path": "/any",
                            "pathType": "ImplementationSpecific",
                            "backend": backend("shop", {"number": 80}),
                        }
                    ]
                }
            },
        ],
        "tls": [{"hosts": ["shop.example.com"], "secretName": "theirs"}],
    }


@pytest.mark.parametrize(
    ("before", "entry", "name"), [("", "", None), ("ingress: {pattern: load_balancer}", "class_name: own,", "own")]
)
def test_the_class_is_the_entrys_own_or_left_to_the_cluster(
    tmp_path: Path, before: str, entry: str, name: str | None
) -> None:
    assert wanted(world(tmp_path, one(entry + PATHS), before=before))["Ingress"]["spec"].get("ingressClassName") == name


def nginx(path: str, target: str, asked: str) -> str | None:
    """The path that the Service is asked for by nginx: `location ~* "^PATH"` with `rewrite "(?i)PATH" TARGET break`."""
    if not re.match(path, asked, re.IGNORECASE):
        return None
    found = re.search(path, asked, re.IGNORECASE)
    assert found is not None
    return re.sub(r"\$(\d)", lambda number: found[int(number[1])] or "", target)


@pytest.mark.parametrize(
    ("rule", "target", "asked", "got"),
    [
        ("path: /api", "/", "/api/x/y", "/x/y"),
        ("path: /api", "/", "/api", "/"),
        ("path: /api", "/", "/api/", "/"),
        ("path: /api/", "/", "/api/x", "/x"),
        ("path: /api", "/", "/apix", None),
        ("path: /api", "/v1", "/api/x", "/v1/x"),
        ("path: /api", "/v1/", "/api/x", "/v1/x"),
        ("path: /", "/app", "/x", "/app/x"),
        ("path: /", "/app", "/", "/app/"),
        ("path: /v1.0", "/", "/v1.0/x", "/x"),
        ("path: /v1.0", "/", "/v1x0/x", None),
        ("path: /health, type: Exact", "/status", "/health", "/status"),
        ("path: /health, type: Exact", "/status", "/health/x", None),
        ("path: '/a(/|$)(.*)', type: ImplementationSpecific", "/b/$2", "/a/x", "/b/x"),
    ],
)
def test_a_rewrite_replaces_the_part_of_the_path_that_the_rule_names(
    tmp_path: Path, rule: str, target: str, asked: str, got: str | None
) -> None:
    entry = f"rewrite_target: {target}, rules: [{{paths: [{{{rule}, service: shop}}]}}]"
    ingress = wanted(world(tmp_path, one(entry)))["Ingress"]
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert path["pathType"] == "ImplementationSpecific"
    target = ingress["metadata"]["annotations"]["nginx.ingress.kubernetes.io/rewrite-target"]
    assert nginx(path["path"], target, asked) == got


def test_a_certificate_is_a_tls_secret_that_the_ingress_names(tmp_path: Path) -> None:
    found = wanted(world(tmp_path, one(f"{PATHS}, tls: [{{hosts: [shop.example.com], {PAIR}}}]")))
    secret = found["Secret"]
    assert secret["type"] == "kubernetes.io/tls"
    assert {key: b64decode(value).decode() for key, value in secret["data"].items()} == {
        "tls.crt": CERTIFICATE,
        "tls.key": KEY,
    }
    assert found["Ingress"]["spec"]["tls"][0]["secretName"] == secret["metadata"]["name"]


def test_secrets_have_valid_names_that_differ(tmp_path: Path) -> None:
    """RFC 1123 subdomains of up to 253 characters, as the API wants them."""
    tls = ", ".join(f"{{hosts: ['{host}'], {PAIR}}}" for host in HOSTS)
    found = ingresses.manifests(world(tmp_path, one(f"{PATHS}, tls: [{tls}]")))
    names = [item["metadata"]["name"] for item in found if item["kind"] == "Secret"]
    assert len(set(names)) == len(HOSTS)
    label = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
    assert all(len(name) <= 253 and re.fullmatch(rf"{label}(\.{label})*", name) for name in names)


def test_a_secret_that_two_ingresses_share_is_there_once(tmp_path: Path) -> None:
    tls = f"tls: [{{hosts: [shop.example.com], secret: shared, {PAIR}}}]"
    other = PATHS.replace("path: /", "path: /other")
    both = one(f"{PATHS}, {tls}") + f"\n- {{name: other, namespace: demo, {other}, {tls}}}"
    assert [name for _, name in changed(planned(world(tmp_path, both)))] == [
        "Secret demo/shared",
        "Ingress demo/shop",
        "Ingress demo/other",
    ]


@pytest.mark.parametrize("there", [False, True])
def test_no_certificate_and_no_key_is_in_a_plan_or_a_report(tmp_path: Path, there: bool) -> None:
    """Neither when the Secret is made nor when another certificate replaces it."""
    old = {"data": {"tls.crt": "b2xkY2VydA==", "tls.key": "b2xka2V5"}, "type": "kubernetes.io/tls"}
    live = [ours(ObjectRef("v1", "Secret", "tls", "demo"), **old)] if there else []
    plan = planned(world(tmp_path, one(f"{PATHS}, tls: [{{hosts: [shop.example.com], secret: tls, {PAIR}}}]"), *live))
    shown = json.dumps(plan.to_json()) + reported(plan)
    assert changed(plan)[0] == ("update" if there else "create", "Secret demo/tls")
    for text in (*CERTIFICATE.splitlines(), *KEY.splitlines(), CERTIFICATE, KEY, "oldcert", "oldkey"):
        for form in (text, encoded(text)):
            assert form not in shown


def encoded(text: str) -> str:
    return b64encode(text.encode()).decode().rstrip("=")


def reported(plan: Plan) -> str:
    return "\n".join(line for change in plan.changes for line in console.diff_lines(change))


def test_a_certificate_that_cannot_be_read_makes_the_plan_incomplete_and_deletes_nothing(tmp_path: Path) -> None:
    gone = one(f"{PATHS}, tls: [{{hosts: [shop.example.com], secret: tls, {PAIR}}}]")
    found = world(tmp_path, gone, ours(ObjectRef("v1", "Secret", "tls", "demo"), data={}))
    (tmp_path / "inventory" / "tls" / "shop.key").unlink()
    plan = planning.make([Phase(ingresses.CAPABILITY)], found, ["cp1"], 0.0)
    assert plan.changes == ()
    assert any("certificate of shop.example.com" in item.what for item in plan.incomplete)


@pytest.mark.parametrize("section", ["", "ingresses: []"])
def test_an_empty_list_deletes_ours_and_a_missing_one_nothing(tmp_path: Path, section: str) -> None:
    theirs = {**ObjectRef("v1", "Secret", "theirs", "demo").skeleton()}
    live = [
        ours(ObjectRef("networking.k8s.io/v1", "Ingress", "shop", "demo")),
        ours(ObjectRef("v1", "Secret", "tls", "demo"), data={}),
        theirs,
    ]
    deleted = [("delete", "Ingress demo/shop"), ("delete", "Secret demo/tls")] if section else []
    assert changed(planned(world(tmp_path, section, *live))) == deleted


@pytest.mark.parametrize("kind", ["Ingress", "Secret"])
def test_what_somebody_else_made_is_refused_where_it_was_written(tmp_path: Path, kind: str) -> None:
    version = {"Ingress": "networking.k8s.io/v1", "Secret": "v1"}[kind]
    foreign = ObjectRef(version, kind, "shop", "demo").skeleton()
    foreign["metadata"]["resourceVersion"] = "7"
    entry = one(f"{PATHS}, tls: [{{hosts: [shop.example.com], secret: shop, {PAIR}}}]")
    (problem,) = planned(world(tmp_path, entry, foreign)).problems
    assert (problem.code, problem.text) == ("K8N341", f"{kind} demo/shop is there and belongs to somebody else")
    assert f"label --overwrite {kind.lower()} shop" in problem.hint


@pytest.mark.parametrize(("namespace", "code"), [("ingress-nginx", []), ("nowhere", ["K8N340"])])
def test_a_namespace_must_be_there_or_made_by_the_same_plan(tmp_path: Path, namespace: str, code: list[str]) -> None:
    entry = one(PATHS).replace("namespace: demo", f"namespace: {namespace}")
    plan = planned(world(tmp_path, entry, before="ingress: {pattern: load_balancer}"))
    assert [problem.code for problem in plan.problems] == code


@pytest.mark.parametrize(("service", "said"), [("shop", False), ("listed", False), ("nowhere", True)])
def test_a_backend_that_is_not_there_is_said(tmp_path: Path, service: str, said: bool) -> None:
    before = "services: [{name: listed, namespace: demo, selector: {a: b}, ports: [{port: 80}]}]"
    plan = planned(world(tmp_path, one(f"default_backend: {{service: {service}}}"), before=before))
    assert any(f"its Service {service} is not there" in notice for notice in plan.notices) == said


@pytest.mark.parametrize(
    ("status", "event", "code"),
    [("", "", 1), ('[{"ip":"192.0.2.100"}]', "", 0), ("", "event/shop.18a", 0)],
)
def test_the_gate_passes_once_the_controller_has_said_something(
    tmp_path: Path, status: str, event: str, code: int
) -> None:
    found = world(tmp_path, one(PATHS), before="ingress: {pattern: load_balancer}")
    script = ingresses.admitted(found, "cp1", planned(found).changes).removeprefix(found.prelude)
    kubectl = (
        f"""K() {{ case "$*" in *uid}}*) echo 1f ;; *status*) echo '{status}' ;; *) echo '{event}' ;; esac; }}\n"""
    )
    ran = subprocess.run(["sh"], input=kubectl + script, capture_output=True, text=True, check=False, timeout=30)
    assert ran.returncode == code, ran


@pytest.mark.parametrize("before", ["", "ingress: {pattern: load_balancer, class_name: another}"])
def test_the_gate_asks_no_other_controller_than_ours(tmp_path: Path, before: str) -> None:
    found = world(tmp_path, one(f"class_name: nginx, {PATHS}"), before=before)
    assert ingresses.admitted(found, "cp1", planned(found).changes) is None
