"""A topology with every section about the ways in, sound; and certificates made by openssl."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .written import HOSTS, TOPOLOGY, Written, replaced, write

EDGE_HOSTS = replaced(
    HOSTS, ("ansible_host: 192.0.2.31}", "ansible_host: 192.0.2.31}\n    lb2: {ansible_host: 192.0.2.32}")
)

# A fork's image, for upstream's has a warning of its own.
WAYS_IN = (
    replaced(TOPOLOGY, ("  vips: [192.0.2.100]\n", ""))
    + """\
  ingress:
    pattern: node_port
    image: registry.example/fork/nginx-controller:v1.16.0
    replicas: 2
    config:
      proxy-body-size: 16m
    node_port: {http: 30080, https: 30043, health: 30054}
    tolerations:
      - {key: dedicated, operator: Equal, value: ingress, effect: NoSchedule}
    resources:
      requests: {cpu: 100m, memory: 128Mi}
      limits: {memory: 1Gi}
  edge:
    vip: 192.0.2.100
    drain: [w1]
    api: {port: 6443}
  services:
    - name: shop
      selector: {app: shop}
      ports: [{port: 80, name: http, target_port: 8080}, {port: 8443, name: https}]
    - name: direct
      type: NodePort
      selector: {app: direct}
      external_traffic_policy: Local
      ports: [{port: 80, node_port: 30123}]
    - name: mail
      type: LoadBalancer
      address: 192.0.2.201
      selector: {app: mail}
      ports: [{port: 25}]
    - name: outside
      type: ExternalName
      external_name: db.corp.example
    - name: database
      endpoints: [192.0.2.60, 192.0.2.61]
      ports: [{port: 5432}]
    - name: peers
      headless: true
      selector: {app: peers}
      ports: [{port: 7000}]
  ingresses:
    - name: shop
      rules:
        - host: shop.example.com
          paths:
            - {path: /, service: shop, port: 80}
            - {path: /api, service: shop, port: https}
            - {path: /api, type: Exact, service: shop}
        - host: "*.example.com"
          paths: [{service: shop}]
      tls:
        - hosts: [shop.example.com]
          certificate: .tls/shop.crt
          key: .tls/shop.key
"""
)

_NAMES = "subjectAltName=DNS:shop.example.com,DNS:*.shop.example.com"


def openssl(*arguments: str, folder: Path) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True, timeout=60)


def certify(folder: Path, name: str, extension: str = _NAMES, days: int = 365, by: str = "") -> None:
    """NAME.key and NAME.crt, self-signed or signed by another certificate of the folder, which may sign others."""
    openssl("ecparam", "-name", "prime256v1", "-genkey", "-noout", "-out", f"{name}.key", folder=folder)
    signer = ["-CA", f"{by}.crt", "-CAkey", f"{by}.key"] if by else []
    request = ["req", "-x509", "-new", "-key", f"{name}.key", "-subj", f"/CN={name}", "-days", str(days)]
    openssl(*request, "-addext", extension, *signer, "-out", f"{name}.crt", folder=folder)


def ways_in(path: Path, *changes: tuple[str, str], hosts: tuple[tuple[str, str], ...] = ()) -> Written:
    """The sound inventory with changes, its certificate beside it."""
    written = write(path, replaced(WAYS_IN, *changes), replaced(EDGE_HOSTS, *hosts))
    (path / ".tls").mkdir()
    certify(path / ".tls", "shop")
    return written
