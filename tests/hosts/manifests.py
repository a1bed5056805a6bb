"""Everything the site sends, for topologies that between them have each capability and each way in."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from k8snet_provision import assets, inventory
from k8snet_provision.observe import Observation
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.probe import HostSeen
from k8snet_provision.seen import World
from k8snet_provision.topology import read
from tests.deploys.ingress_world import HOSTS, a_node
from tests.deploys.test_ingresses import CERTIFICATE, KEY
from tests.deploys.worlds import ABSENT, a_service, a_service_cidr, a_state, present
from tests.metallb.releases import topology as metallb

SITE = assets.deploy_module("site").SITE

PATTERNS = ("load_balancer", "node_port", "host_network")

NAMESPACES = ("demo", "ingress-nginx", "metallb-system")
"""What the catalogue and a plan of several steps find there."""

TOPOLOGY = """
{metallb}
edge: {{vip: 192.0.2.101}}
dns: {{replicas: 2, hosts: {{10.0.0.1: [gateway.example.com]}}}}
ingress:
  pattern: {pattern}
  replicas: 2
  default_class: true
  default_certificate: {{certificate: tls/shop.crt, key: tls/shop.key}}
  config: {{proxy-body-size: 16m}}
  resources: {{requests: {{cpu: "0.1", memory: 131072Ki}}, limits: {{cpu: "1.5", memory: 1024Mi}}}}
  tolerations: [{{key: dedicated, value: ingress, operator: Equal, effect: NoSchedule}}]
services:
- {{name: app, namespace: demo, selector: {{app: app}}, ports: [{{port: 80}}], labels: {{tier: front}}}}
- {{name: sticky, namespace: demo, selector: {{app: app}}, ports: [{{port: 80}}], session_affinity: true}}
- {{name: pods, namespace: demo, headless: true, selector: {{app: app}}, ports: [{{port: 80}}]}}
- {{name: else, namespace: demo, type: ExternalName, external_name: db.example.com}}
- name: everywhere
  namespace: demo
  type: NodePort
  selector: {{app: app}}
  ports: [{{name: http, port: 80, node_port: 30123, target_port: web}}, {{name: dns, port: 80, protocol: UDP}}]
- name: balanced
  namespace: demo
  type: LoadBalancer
  address: 192.0.2.201
  external_traffic_policy: Local
  selector: {{app: app}}
  annotations: {{example.com/note: kept}}
  ports: [{{name: http, port: 80}}, {{name: https, port: 443, app_protocol: https}}]
- name: outside
  namespace: demo
  endpoints: [192.0.2.60, 192.0.2.61]
  ports: [{{name: db, port: 5432}}]
ingresses:
- name: shop
  namespace: demo
  annotations: {{nginx.ingress.kubernetes.io/proxy-body-size: 8m}}
  rules: [{{host: shop.example.com, paths: [{{path: /, service: app}}, {{path: /old, type: Exact, service: pods}}]}}]
  tls: [{{hosts: [shop.example.com], certificate: tls/shop.crt, key: tls/shop.key}}]
- {{name: rest, namespace: demo, default_backend: {{service: everywhere, port: http}}}}
"""


def sent(folder: Path, pattern: str) -> list[Manifest]:
    """By every phase, in the order in which they are applied."""
    seen = world(folder, pattern)
    found = [manifest for phase in SITE for manifest in phase.capability.manifests(seen)]
    return list({ObjectRef.of(manifest): manifest for manifest in found}.values())


def world(folder: Path, pattern: str, objects: Iterable[Manifest] = ()) -> World:
    directory = folder / pattern
    variables, tls = directory / "group_vars" / "all", directory / "tls"
    for made in (variables, tls):
        made.mkdir(parents=True, exist_ok=True)
    (tls / "shop.crt").write_text(CERTIFICATE)
    (tls / "shop.key").write_text(KEY)
    (directory / "hosts.yml").write_text(HOSTS)
    text = TOPOLOGY.format(metallb=metallb(folder, more="fast_failover: true"), pattern=pattern)
    (variables / "topology.yml").write_text("topology:\n" + "".join(f"  {line}\n" for line in text.splitlines()))
    cluster, problems = read(inventory.load(directory))
    assert cluster is not None, problems
    look, questions = assets.deploy_module("metallb_look"), {}
    for key in (look.CERTIFICATE_KEY, look.POOLS_KEY):
        questions[key] = ABSENT
    state = a_state(
        objects=list(objects),
        nodes=[a_node("n1", "192.0.2.21"), a_node("n2", "192.0.2.22")],
        services=[a_service("default", "kubernetes", "10.254.0.1")],
        service_cidrs=[a_service_cidr("kubernetes", "10.254.0.0/16")],
        said={**questions, "ingress:ingresses": present(json.dumps({"items": []}))},
    )
    return World(cluster, Observation({host: HostSeen(host, {}) for host in cluster.addresses}, {}), state)
