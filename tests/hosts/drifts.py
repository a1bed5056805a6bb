"""Drifts that only a running system shows, made by hand as an operator at night would make them, and mended."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from k8snet_provision.kube_proxy.live import PIDS
from k8snet_provision.kube_proxy.residue import TOOL
from tests.hosts.labs import LabCluster

PKI = "/etc/kubernetes/pki"
UNITS = "/etc/systemd/system"


@dataclass(frozen=True)
class Drift:
    """sh for `host` that makes it and mends it, and what is then found: (code, target, how `what` begins) each."""

    host: str
    make: str
    mend: str
    found: tuple[tuple[str, str, str], ...]


def reissued(name: str, days: int, key: str) -> str:
    """sh that replaces a certificate by one with the same names, signed by the cluster's CA."""
    return f"""cd {PKI} && cp -p {name}.crt /root/{name}.crt && {key}
openssl x509 -x509toreq -copy_extensions copyall -in {name}.crt -signkey {name}.key -out /root/{name}.csr 2>/dev/null
openssl x509 -req -in /root/{name}.csr -CA ca.crt -CAkey ca.key -set_serial 7 -days {days} -copy_extensions copyall \\
  -force_pubkey /root/{name}.pub -out {name}.crt 2>/dev/null"""


RUNNING_KEY = "openssl x509 -in {0}.crt -noout -pubkey >/root/{0}.pub"
ANOTHER_KEY = "openssl ecparam -name prime256v1 -genkey -noout | openssl ec -pubout -out /root/{0}.pub 2>/dev/null"


def restored(name: str) -> str:
    return f"mv -f /root/{name}.crt {PKI}/{name}.crt"


OUT_OF_RANGE = """
kubectl create -f - >&2 <<'END'
{apiVersion: networking.k8s.io/v1, kind: ServiceCIDR, metadata: {name: astray}, spec: {cidrs: [10.98.0.0/24]}}
END
kubectl wait --for=condition=Ready servicecidr astray --timeout=20s >&2
kubectl create service clusterip astray --tcp=80 --clusterip=10.98.0.7 >&2
kubectl delete servicecidr astray --wait=false >&2
kubectl patch servicecidr astray --type=merge -p '{"metadata": {"finalizers": null}}' >&2
"""

HAPROXY = """perl -MIO::Socket::UNIX -e '
  my $s = IO::Socket::UNIX->new(Peer => "/run/haproxy.sock") or die; print $s "$ARGV[0]\\n"; print <$s>' """

MODE = """kubectl -n kube-system get configmap kube-proxy -o json |
  sed 's/mode: {}/mode: {}/' | kubectl replace -f - >&2"""

TAKE = """kubectl -n kube-system patch service kube-dns --field-manager=somebody --type=merge -p \\
  '{{"metadata": {{"annotations": {{"prometheus.io/port": "{}"}}}}}}' >&2"""

NOBODYS = """kubectl -n kube-system patch service kube-dns --type=merge -p \\
  '{"metadata": {"managedFields": [{}]}}' >&2"""

POD = "$(kubectl -n kube-system get pod -l k8s-app=kube-dns -o 'jsonpath={.items[0].metadata.name}')"


def drifts(vip: str, nodes: tuple[str, ...]) -> Mapping[str, Drift]:
    api = f"{UNITS}/kube-apiserver.service"
    manager = f"{UNITS}/kube-controller-manager.service"
    return {
        "a flag written into the API server's unit, which was not restarted": Drift(
            "cp1",
            f"sed -i 's/--secure-port=6443/& --profiling=false/' {api}",
            f"sed -i 's/ --profiling=false//' {api}; systemctl daemon-reload",
            (("K8N720", "cp1", "flags of kube-apiserver"),),
        ),
        "a flag in the file that the kubelet's unit names": Drift(
            "node1",
            "f=/var/lib/kubelet/kubeadm-flags.env; cp -p $f /root/flags; sed -i 's/\"$/ --v=3\"/' $f",
            "mv /root/flags /var/lib/kubelet/kubeadm-flags.env",
            (("K8N720", "node1", "flags of kubelet"),),
        ),
        "a mode in kube-proxy's ConfigMap, whose Pods were not started anew": Drift(
            "cp1",
            MODE.format("iptables", "nftables"),
            MODE.format("nftables", "iptables"),
            tuple(("K8N721", node, "live mode") for node in nodes),
        ),
        "rules of the nftables mode beside those of the live one": Drift(
            nodes[-1],
            f"{PIDS}{TOOL} tool nft add table ip kube-proxy",
            f"{PIDS}{TOOL} tool nft delete table ip kube-proxy",
            (("K8N707", nodes[-1], "packet rules of another mode"),),
        ),
        "a certificate for another key, which the API server refuses": Drift(
            "cp1",
            reissued("apiserver", 300, ANOTHER_KEY.format("apiserver")),
            restored("apiserver"),
            (("K8N722", "cp1", "certificate that kube-apiserver serves at 127.0.0.1:6443"),),
        ),
        "a certificate that has ended": Drift(
            "cp1",
            reissued("apiserver-kubelet-client", -1, RUNNING_KEY.format("apiserver-kubelet-client")),
            restored("apiserver-kubelet-client"),
            (
                (
                    "K8N723",
                    "cp1",
                    f"kube-apiserver client of kubelets certificate {PKI}/apiserver-kubelet-client.crt",
                ),
            ),
        ),
        "a controller manager that runs with another range than its file says": Drift(
            "cp1",
            f"""cp -p {manager} /root/manager; sed -i 's#range=10.96.0.0/16#range=10.97.0.0/16#' {manager}
            systemctl daemon-reload; systemctl restart kube-controller-manager
            mv /root/manager {manager}; systemctl daemon-reload""",
            "systemctl restart kube-controller-manager",
            (
                ("K8N706", "cp1", "restart kube-controller-manager"),
                ("K8N724", "cluster", "the service range in force"),
            ),
        ),
        "a Service whose ServiceCIDR was taken away": Drift(
            "cp1", OUT_OF_RANGE, "kubectl delete service astray >&2", (("K8N725", "cluster", "Service default/astray"),)
        ),
        "the VIP on a host that keepalived did not give it to": Drift(
            "lb2",
            f"ip address add {vip}/32 dev eth0",
            f"ip address del {vip}/32 dev eth0",
            (("K8N726", "cluster", f"VIP {vip}"),),
        ),
        "a server that somebody drained": Drift(
            "lb1",
            f"{HAPROXY} 'set server kube-apiserver-api/cp1 state drain'",
            f"{HAPROXY} 'set server kube-apiserver-api/cp1 state ready'",
            (("K8N727", "lb1", "server kube-apiserver-api/cp1"),),
        ),
        "a field that somebody else set to another value and back": Drift(
            "cp1",
            f"{TAKE.format('9154')}; {TAKE.format('9153')}",
            NOBODYS,
            (("K8N728", "cluster", "Service kube-system/kube-dns"),),
        ),
        "a Pod that was given another image": Drift(
            "cp1",
            f"kubectl -n kube-system set image pod/{POD} coredns=registry.k8s.io/coredns/coredns:v1.0.0 >&2",
            f"kubectl -n kube-system delete pod {POD} --wait=false >&2",
            (("K8N729", "cluster", "container coredns of Deployment kube-system/coredns"),),
        ),
    }


def make(lab: LabCluster, found: Mapping[str, Drift]) -> None:
    for drift in found.values():
        lab.on(drift.host, drift.make)


def mend(lab: LabCluster, found: Mapping[str, Drift]) -> None:
    for drift in reversed(list(found.values())):
        lab.on(drift.host, drift.mend)
