"""CoreDNS on a real cluster: kubeadm's is taken over, every setting is seen in what it answers."""

from __future__ import annotations

import dns.message
import dns.rdatatype
import pytest

from k8snet_provision.dns_wire import Question, ask
from tests.hosts.labs import LabCluster

pytestmark = pytest.mark.hosts

DNS = "10.96.0.10"
STUB = "10.96.0.53"

# A DNS server that is not the cluster's: another CoreDNS, with a zone of its own.
STUB_SERVER = f"""
apiVersion: v1
kind: ConfigMap
metadata: {{name: corp-dns, namespace: default}}
data:
  Corefile: |
    corp.example:53 {{
        hosts {{
            192.0.2.44 intranet.corp.example
        }}
    }}
---
apiVersion: v1
kind: Pod
metadata: {{name: corp-dns, namespace: default, labels: {{app: corp-dns}}}}
spec:
  containers:
    - name: coredns
      image: @IMAGE@
      imagePullPolicy: Never
      args: ["-conf", "/etc/coredns/Corefile"]
      volumeMounts: [{{name: config, mountPath: /etc/coredns}}]
  volumes: [{{name: config, configMap: {{name: corp-dns}}}}]
---
apiVersion: v1
kind: Service
metadata: {{name: corp-dns, namespace: default}}
spec:
  clusterIP: {STUB}
  selector: {{app: corp-dns}}
  ports: [{{name: dns, port: 53, protocol: UDP}}]
"""

TOPOLOGY = f"""
service_cidr: 10.96.0.0/16
dns:
  replicas: 2
  ttl: 17
  cache: {{positive: 30, negative: 5}}
  hosts:
    192.0.2.80: [registry.corp.test, mirror.corp.test]
  stub_domains:
    corp.example: [{STUB}]
  extra_server_blocks: |
    extra.example:53 {{
        hosts {{
            192.0.2.99 one.extra.example
        }}
    }}
"""


def answer(cluster: LabCluster, name: str, kind: str = "A") -> tuple[set[str], int]:
    """Records and TTL that node1 gets through the Service."""
    message = dns.message.from_wire(bytes.fromhex(cluster.on("node1", ask(DNS, Question(name, kind), "udp"))))
    wanted = dns.rdatatype.from_text(kind)
    rows = [(record.to_text(), rrset.ttl) for rrset in message.answer if rrset.rdtype == wanted for record in rrset]
    return {text for text, _ in rows}, max((ttl for _, ttl in rows), default=0)


@pytest.fixture(scope="module")
def cluster(fresh_systemd: LabCluster) -> LabCluster:
    deployment = fresh_systemd.objects("-n kube-system get deployment coredns")
    image = deployment["spec"]["template"]["spec"]["containers"][0]["image"]
    fresh_systemd.on("cp1", f"kubectl apply -f - <<'END'\n{STUB_SERVER.replace('@IMAGE@', image)}\nEND")
    fresh_systemd.kubectl("wait pod/corp-dns --for=condition=Ready --timeout=60s")
    fresh_systemd.topology(TOPOLOGY)
    applied = fresh_systemd.tool("apply", "--yes")
    assert applied.code == 0, applied
    return fresh_systemd


def test_kubeadms_coredns_is_taken_over_and_not_doubled(cluster: LabCluster) -> None:
    serving = cluster.objects("-n kube-system get deployments,daemonsets -l k8s-app=kube-dns")["items"]
    assert [(item["kind"], item["metadata"]["name"]) for item in serving] == [("Deployment", "coredns")]
    assert serving[0]["status"]["readyReplicas"] == 2
    assert serving[0]["metadata"]["labels"]["app.kubernetes.io/managed-by"] == "k8snet-provision"
    assert cluster.tool("diff").code == 0


def test_names_of_the_cluster_have_the_wanted_ttl(cluster: LabCluster) -> None:
    """Of a name that nobody asked for before: what CoreDNS keeps in its cache counts down."""
    assert answer(cluster, "kube-dns.kube-system.svc.cluster.local.") == ({DNS}, 17)


def test_fixed_names_are_answered(cluster: LabCluster) -> None:
    for name in ("registry.corp.test.", "mirror.corp.test."):
        assert answer(cluster, name)[0] == {"192.0.2.80"}


def test_a_stub_domain_is_answered_by_its_own_server(cluster: LabCluster) -> None:
    assert answer(cluster, "intranet.corp.example.")[0] == {"192.0.2.44"}


def test_extra_server_blocks_are_served(cluster: LabCluster) -> None:
    assert answer(cluster, "one.extra.example.")[0] == {"192.0.2.99"}


def test_what_is_no_longer_asked_for_is_deleted_and_nothing_else(cluster: LabCluster) -> None:
    before = names(cluster)
    cluster.topology(TOPOLOGY + "  pod_disruption_budget: false\n")
    applied = cluster.tool("apply", "--yes")
    assert applied.code == 0, applied
    assert before - names(cluster) == {"poddisruptionbudget.policy/coredns"}


def names(cluster: LabCluster) -> set[str]:
    """Everything in kube-system but pods and replica sets, which come and go by themselves."""
    kinds = "services,deployments,daemonsets,configmaps,poddisruptionbudgets,serviceaccounts"
    return set(cluster.kubectl(f"-n kube-system get {kinds} -o name").split())


def test_a_corefile_that_does_not_start_is_put_back_while_the_old_pods_answer(cluster: LabCluster) -> None:
    cluster.topology(TOPOLOGY + "    broken.example:53 {\n        no_such_plugin\n    }\n")
    applied = cluster.tool("apply", "--yes", timeout=400)
    assert applied.code == 1, applied
    assert "coredns" in applied.out
    assert answer(cluster, "kubernetes.default.svc.cluster.local.")[0] == {"10.96.0.1"}
    assert "no_such_plugin" not in cluster.kubectl("-n kube-system get configmap coredns -o yaml")
    cluster.topology(TOPOLOGY)
    mended = cluster.tool("apply", "--yes")
    assert mended.code == 0, mended
    assert answer(cluster, "one.extra.example.")[0] == {"192.0.2.99"}
