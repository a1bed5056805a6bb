"""A lab for the edge: what stands in for the controller on the nodes, and what to ask the two hosts."""

from __future__ import annotations

from pathlib import Path

from k8snet_provision.lab import hosts, settings
from tests.hosts.labs import LabCluster

VIP = "10.141.4.101"
HOSTS = ("lb1", "lb2")

TOPOLOGY = f"""
service_cidr: 10.96.0.0/16
pod_cidr: 10.244.0.0/16
ingress: {{pattern: node_port}}
edge:
  vip: {VIP}
  api: {{}}
"""

# An HAProxy of its own on the node, which insists on the PROXY protocol as the controller does, and tells the client.
BACKEND = """
mkdir -p /etc/backend && cd /etc/backend
[ -e pair.pem ] || { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -days 30 -subj /CN=backend \\
  -keyout key.pem -out certificate.pem && cat certificate.pem key.pem >pair.pem; } 2>/dev/null
cat >backend.cfg <<'END'
defaults
    mode http
    timeout connect 1s
    timeout client 60s
    timeout server 60s
frontend traffic
    bind :30080 accept-proxy
    bind :30043 accept-proxy ssl crt /etc/backend/pair.pem
    http-request return status 200 content-type text/plain lf-string "%[src]"
frontend health
    bind :30054
    http-request return status 200
END
systemctl reset-failed backend 2>/dev/null
systemctl is-active -q backend || systemd-run -q --unit backend haproxy -db -f /etc/backend/backend.cfg
"""


def serve(lab: LabCluster, node: str) -> None:
    lab.on(node, BACKEND)


def holders(lab: LabCluster) -> list[str]:
    """The hosts that have the VIP."""
    return [host for host in HOSTS if VIP in lab.on(host, "ip -o -4 addr show dev eth0")]


def pull_plug(lab: LabCluster, host: str) -> None:
    """Takes the host's power away; `lab up` gives it back."""
    hosts.pull_plug(settings.read(Path(lab.inventory), []), host)


# The installed package as an archive again, in a repository that is a directory of the host.
REPOSITORY = """
set -e
rm -rf /srv/repo /srv/haproxy /srv/keepalived && mkdir -p /srv/repo && cd /srv/repo
for name in haproxy keepalived; do
  tree=/srv/$name; mkdir -p $tree/DEBIAN
  while read -r path; do if [ -e "$path" ] && [ ! -d "$path" ]; then echo "${path#/}"; fi
  done </var/lib/dpkg/info/$name.list | tar -C / --no-recursion -cT - | tar -C $tree -x
  for part in preinst postinst prerm postrm conffiles; do
    [ ! -e /var/lib/dpkg/info/$name.$part ] || cp -p /var/lib/dpkg/info/$name.$part $tree/DEBIAN/$part
  done
  dpkg-query -s $name | sed '/^Status:/d; /^Conffiles:/,/^[A-Z]/{/^Conffiles:/d; /^ /d}' >$tree/DEBIAN/control
  dpkg-deb --build $tree $name.deb >/dev/null
  { cat $tree/DEBIAN/control; echo "Filename: ./$name.deb"; stat -c 'Size: %s' $name.deb
    echo "SHA256: $(sha256sum <$name.deb | cut -d ' ' -f 1)"; echo; } >>Packages
done
echo 'deb [trusted=yes] file:/srv/repo ./' >/etc/apt/sources.list.d/here.list
: >/etc/apt/sources.list
apt-get -qq update
dpkg --purge haproxy keepalived >/dev/null 2>&1
rm -rf /etc/haproxy /etc/keepalived
"""


def without_programs(lab: LabCluster, host: str) -> None:
    """Takes HAProxy and keepalived off a host, and leaves them for its package manager to install."""
    lab.on(host, REPOSITORY)
