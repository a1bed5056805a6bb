"""The catalogue on a real API server: every kind of entry is there and works, and only what is ours is deleted."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from threading import Event, Thread

import dns.message
import dns.rdatatype
import pytest

from k8snet_provision.dns_wire import Question, ask
from tests.hosts.labs import LabCluster
from tests.program import Ran

pytestmark = pytest.mark.hosts

BASE = "service_cidr: 10.96.0.0/16\n"

SERVICES = """\
services:
  - {name: plain, namespace: demo, selector: {app: app}, ports: [{port: 80}]}
  - {name: node, namespace: demo, type: NodePort, selector: {app: app}, ports: [{port: 80, node_port: 30123}]}
  - name: balanced
    namespace: demo
    type: LoadBalancer
    address: 192.0.2.201
    external_traffic_policy: Local
    selector: {app: app}
    ports: [{port: 80}]
  - {name: alias, namespace: demo, type: ExternalName, external_name: db.corp.example}
  - {name: each, namespace: demo, headless: true, selector: {app: app}, ports: [{port: 80}]}
  - name: sticky
    namespace: demo
    selector: {app: app}
    session_affinity: true
    affinity_timeout: 600
    ports: [{port: 80}]
  - {name: outside, namespace: demo, endpoints: [@CP1@], ports: [{port: 443, name: https, target_port: 6443}]}
"""

INGRESSES = """\
ingresses:
  - name: shop
    namespace: demo
    class_name: nginx
    annotations: {nginx.ingress.kubernetes.io/proxy-body-size: 8m}
    rewrite_target: /
    default_backend: {service: plain}
    rules: [{host: shop.lab.test, paths: [{path: /api, service: plain}]}]
    tls: [{hosts: [shop.lab.test], certificate: .lab/tls/shop.crt, key: .lab/tls/shop.key}]
  - name: app
    namespace: demo
    class_name: nginx
    rules: [{host: app.lab.test, paths: [{path: /exact, type: Exact, service: plain}]}]
    tls:
      - hosts: [app.lab.test]
        secret: app-tls
        certificate: .lab/tls/app.crt
        key: !vault |
@VAULTED@
"""

# Stands for what gives Services of type LoadBalancer their addresses.
BALANCER = """
( for i in $(seq 300); do
  kubectl -n demo patch service balanced --subresource=status --type=merge \
    -p '{"status":{"loadBalancer":{"ingress":[{"ip":"192.0.2.201"}]}}}' && break
  sleep 0.2
done ) >/dev/null 2>&1 </dev/null &
"""


# What MetalLB says about a Service whose address no pool holds.
EVENT = """
apiVersion: v1
kind: Event
metadata: {name: late.1, namespace: demo}
involvedObject: {apiVersion: v1, kind: Service, name: late, namespace: demo}
reason: AllocationFailed
message: 'Failed to allocate IP for "demo/late": ["192.0.2.202"] is not allowed in config'
type: Warning
lastTimestamp: "2026-01-01T00:00:00Z"
"""


class Catalogue:
    """The lab, and everything that was said or seen in a process's arguments while the catalogue was applied."""

    def __init__(self, lab: LabCluster) -> None:
        self.lab = lab
        self.said = ""
        self.arguments: set[bytes] = set()

    def write(self, text: str) -> None:
        self.lab.topology(BASE + text.replace("@CP1@", self.outside).replace("@VAULTED@", self.vaulted))

    @cached_property
    def outside(self) -> str:
        """The address of a host that is no node, where an API server answers."""
        return str(self.lab.objects("get endpointslice kubernetes")["endpoints"][0]["addresses"][0])

    @cached_property
    def vaulted(self) -> str:
        """The key of app.lab.test as Ansible itself vaults it, indented for YAML."""
        script = str(Path(sys.executable).with_name("ansible-vault"))
        text = (self.lab.inventory / ".lab" / "tls" / "app.key").read_bytes()
        command = [script, "encrypt", "--output", "-", "-"]
        done = subprocess.run(command, input=text, capture_output=True, check=True, timeout=60)
        return "".join(f"          {line}\n" for line in done.stdout.decode().splitlines())

    def tool(self, *arguments: str) -> Ran:
        with self.watched():
            ran = self.lab.tool(*arguments)
        self.said += ran.out + ran.err
        return ran

    @contextmanager
    def watched(self) -> Iterator[None]:
        """Collects the arguments of every process of this machine, and so of its lab hosts."""
        ended = Event()

        def watch() -> None:
            while not ended.wait(0.3):
                for place in Path("/proc").glob("[0-9]*/cmdline"):
                    try:
                        self.arguments.add(place.read_bytes())
                    except OSError:
                        continue

        thread = Thread(target=watch)
        thread.start()
        try:
            yield
        finally:
            ended.set()
            thread.join()

    def spec(self, kind_and_name: str) -> dict[str, object]:
        found: dict[str, object] = self.lab.objects(f"-n demo get {kind_and_name}")["spec"]
        return found

    def address(self, service: str) -> str:
        return str(self.spec(f"service {service}")["clusterIP"])


@pytest.fixture(scope="module")
def catalogue(fresh_proxy_units: LabCluster, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Catalogue]:
    password = tmp_path_factory.mktemp("vault") / "password"
    password.write_text("open sesame\n")
    with pytest.MonkeyPatch.context() as environment:
        environment.setenv("ANSIBLE_VAULT_PASSWORD_FILE", str(password))
        yield applied(Catalogue(fresh_proxy_units))


def applied(made: Catalogue) -> Catalogue:
    """With objects of somebody else's beside it."""
    made.lab.kubectl("-n demo rollout status deployment/app --timeout=60s")
    made.lab.kubectl("-n demo create service clusterip theirs --tcp=80")
    made.lab.kubectl("-n demo create secret generic theirs --from-literal=a=b")
    made.lab.kubectl("-n demo label service,secret theirs app.kubernetes.io/managed-by=Helm")
    made.write(SERVICES + INGRESSES)
    for output in ("json", "text"):
        assert made.tool("diff", "--output", output).code == 2
    made.lab.on("cp1", BALANCER)
    ran = made.tool("apply", "--yes")
    assert ran.code == 0, ran
    return made


def answer(catalogue: Catalogue, name: str, kind: str) -> set[str]:
    """The records that node1 gets from the cluster's DNS."""
    wire = catalogue.lab.on("node1", ask("10.96.0.10", Question(f"{name}.demo.svc.cluster.local.", kind), "udp"))
    message = dns.message.from_wire(bytes.fromhex(wire))
    wanted = dns.rdatatype.from_text(kind)
    return {record.to_text() for rrset in message.answer if rrset.rdtype == wanted for record in rrset}


def pods(catalogue: Catalogue) -> dict[str, str]:
    """Addresses of the sample application's pods by name."""
    items = catalogue.lab.objects("-n demo get pods -l app=app")["items"]
    return {item["metadata"]["name"]: item["status"]["podIP"] for item in items}


def test_a_second_diff_is_empty(catalogue: Catalogue) -> None:
    again = catalogue.tool("diff")
    assert (again.code, "nothing to change" in again.out) == (0, True), again


def test_a_node_port_answers_on_the_node_from_outside(catalogue: Catalogue) -> None:
    node = catalogue.lab.objects("get node node1")["status"]["addresses"][0]["address"]
    assert catalogue.lab.on("cp1", f"curl -sS -m 5 http://{node}:30123/").split()[0] in pods(catalogue)


def test_a_load_balancers_service_asks_for_its_address(catalogue: Catalogue) -> None:
    found = catalogue.lab.objects("-n demo get service balanced")
    assert found["metadata"]["annotations"]["metallb.io/loadBalancerIPs"] == "192.0.2.201"
    assert found["spec"]["externalTrafficPolicy"] == "Local"
    assert found["spec"]["healthCheckNodePort"] > 0


def test_an_external_name_is_a_cname(catalogue: Catalogue) -> None:
    assert answer(catalogue, "alias", "CNAME") == {"db.corp.example."}


def test_a_headless_services_name_gives_the_addresses_of_its_pods(catalogue: Catalogue) -> None:
    assert answer(catalogue, "each", "A") == set(pods(catalogue).values())


def test_a_client_keeps_its_pod(catalogue: Catalogue) -> None:
    """Ten connections by chance to one of two pods: 1 in 512."""
    ask_ten = f"for i in 1 2 3 4 5 6 7 8 9 10; do curl -sS -m 5 http://{catalogue.address('sticky')}/ | head -n 1; done"
    names = [line.split()[0] for line in catalogue.lab.on("node1", ask_ten).splitlines()]
    assert (len(names), len(set(names))) == (10, 1)
    assert catalogue.spec("service sticky")["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 600}}


def test_a_service_without_selector_reaches_what_runs_outside_the_cluster(catalogue: Catalogue) -> None:
    place = f"https://{catalogue.address('outside')}/version"
    assert '"gitVersion"' in catalogue.lab.on("node1", f"curl -sSk -m 5 {place}")


def test_an_ingress_is_as_it_was_written(catalogue: Catalogue) -> None:
    found = catalogue.lab.objects("-n demo get ingress shop")
    annotations = {key.rpartition("/")[2]: value for key, value in found["metadata"]["annotations"].items()}
    assert annotations == {"proxy-body-size": "8m", "rewrite-target": "/$2"}
    backend = {"service": {"name": "plain", "port": {"number": 80}}}
    path = {"path": "/api(/|$)(.*)", "pathType": "ImplementationSpecific", "backend": backend}
    assert found["spec"]["rules"] == [{"host": "shop.lab.test", "http": {"paths": [path]}}]
    assert (found["spec"]["ingressClassName"], found["spec"]["defaultBackend"]) == ("nginx", backend)


@pytest.mark.parametrize("host", ["shop", "app"])
def test_the_certificate_of_an_ingress_is_in_its_secret(catalogue: Catalogue, host: str) -> None:
    name = catalogue.spec(f"ingress {host}")["tls"][0]["secretName"]  # type: ignore[index]
    kept = catalogue.lab.on(
        "cp1", f"kubectl -n demo get secret {name} -o 'jsonpath={{.data.tls\\.key}}' | base64 -d | sha256sum"
    )
    written = subprocess.run(
        ["sha256sum", catalogue.lab.inventory / ".lab" / "tls" / f"{host}.key"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert kept.split()[0] == written.stdout.split()[0]


def test_no_key_is_in_any_output_or_in_a_processs_arguments(catalogue: Catalogue) -> None:
    assert "(content not shown: secret)" in catalogue.said
    assert len(catalogue.arguments) > 20
    seen = catalogue.said.encode() + b"\n".join(catalogue.arguments)
    for host in ("shop", "app"):
        name = catalogue.spec(f"ingress {host}")["tls"][0]["secretName"]  # type: ignore[index]
        assert name.encode() in seen
        kept = catalogue.lab.objects(f"-n demo get secret {name}")["data"]["tls.key"]
        text = (catalogue.lab.inventory / ".lab" / "tls" / f"{host}.key").read_text()
        for secret in (kept, kept[40:80], *text.splitlines()[1:-1]):
            assert secret.encode() not in seen


def test_a_service_that_cannot_change_in_place_is_made_anew(catalogue: Catalogue) -> None:
    before = catalogue.address("plain")
    changed = SERVICES.replace("name: each, namespace: demo, headless: true", "name: each, namespace: demo")
    changed = changed.replace("{name: plain, namespace: demo, selector: {app: app}", "{name: plain, namespace: demo, "
                              "endpoints: [@CP1@]")  # fmt: skip
    catalogue.write(changed + INGRESSES)
    applied = catalogue.tool("apply", "--yes")
    assert applied.code == 0, applied
    assert catalogue.address("each") not in ("None", "")
    assert catalogue.address("plain") == before
    slices = catalogue.lab.objects("-n demo get endpointslices -l kubernetes.io/service-name=plain")["items"]
    assert [item["metadata"]["name"] for item in slices] == ["plain-ipv4"]
    assert catalogue.tool("diff").code == 0
    catalogue.write(SERVICES + INGRESSES)
    back = catalogue.tool("apply", "--yes")
    assert back.code == 0, back
    assert catalogue.address("each") == "None"
    assert catalogue.tool("diff").code == 0


def test_what_somebody_changed_by_hand_is_put_right(catalogue: Catalogue) -> None:
    catalogue.lab.kubectl("""-n demo patch service node --type=merge -p '{"spec":{"sessionAffinity":"ClientIP"}}'""")
    catalogue.lab.kubectl("-n demo delete endpointslice outside-ipv4")
    applied = catalogue.tool("apply", "--yes")
    assert applied.code == 0, applied
    assert catalogue.spec("service node")["sessionAffinity"] == "None"
    assert catalogue.tool("diff").code == 0


def test_somebody_elses_service_is_refused_until_it_is_handed_over(catalogue: Catalogue) -> None:
    theirs = "  - {name: theirs, namespace: demo, selector: {app: app}, ports: [{port: 80}]}\n"
    catalogue.write(SERVICES + theirs + INGRESSES)
    refused = catalogue.tool("apply", "--yes")
    assert refused.code == 1, refused
    (line,) = [line for line in (refused.out + refused.err).splitlines() if "K8N341" in line]
    assert "topology.yml:" in line
    assert catalogue.spec("service theirs")["selector"] == {"app": "theirs"}
    catalogue.lab.on("cp1", "kubectl " + line.rpartition(": kubectl ")[2])
    handed_over = catalogue.tool("apply", "--yes")
    assert handed_over.code == 0, handed_over
    assert catalogue.spec("service theirs")["selector"] == {"app": "app"}


def test_a_namespace_that_is_not_there_is_refused(catalogue: Catalogue) -> None:
    catalogue.write(SERVICES.replace("name: plain, namespace: demo", "name: plain, namespace: nowhere") + INGRESSES)
    refused = catalogue.tool("apply", "--yes")
    assert (refused.code, "K8N340" in refused.out + refused.err) == (1, True), refused


def test_a_load_balancer_that_gets_no_address_fails_and_is_put_back(catalogue: Catalogue) -> None:
    more = (
        "  - {name: late, namespace: demo, type: LoadBalancer, address: 192.0.2.202, selector: {app: app}, "
        "ports: [{port: 80}]}\n"
    )
    catalogue.lab.on("cp1", f"kubectl apply -f - <<'END'\n{EVENT}\nEND")
    catalogue.write(SERVICES + more + INGRESSES)
    failed = catalogue.tool("apply", "--yes")
    assert failed.code == 1, failed
    assert "Service demo/late has no address 192.0.2.202; AllocationFailed: Failed to allocate IP" in failed.out
    assert "late" not in catalogue.lab.kubectl("-n demo get services -o name")


def test_only_what_is_ours_is_deleted(catalogue: Catalogue) -> None:
    """Runs last. Before, a section that is not there leaves everything."""
    kinds = "services,endpointslices,ingresses,secrets,configmaps,deployments"
    catalogue.lab.kubectl("-n demo create service clusterip kept --tcp=80")
    before = set(catalogue.lab.kubectl(f"-n demo get {kinds} -o name").split())
    catalogue.write("")
    assert catalogue.tool("diff").code == 0
    catalogue.write("services: []\ningresses: []\n")
    applied = catalogue.tool("apply", "--yes")
    assert applied.code == 0, applied
    after = set(catalogue.lab.kubectl(f"-n demo get {kinds} -o name").split())
    services = {
        f"service/{name}" for name in ("plain", "node", "balanced", "alias", "each", "sticky", "outside", "theirs")
    }
    gone = {item for item in before - after if not item.startswith("endpointslice")}
    (secret,) = [item for item in before if item.startswith("secret/shop-")]
    assert gone == {
        *services,
        "ingress.networking.k8s.io/shop",
        "ingress.networking.k8s.io/app",
        "secret/app-tls",
        secret,
    }
    assert not [
        item for item in after if item.startswith("endpointslice") and "/kept" not in item and "/app" not in item
    ]
    assert catalogue.tool("diff").code == 0
