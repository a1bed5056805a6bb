"""What drift needs and no more, as files: a look for each host, sudoers, an account of the cluster that only reads."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from shlex import quote

from k8snet_provision import assets, templates
from k8snet_provision.capability import Site
from k8snet_provision.cluster_state import READING_KUBECONFIG
from k8snet_provision.drift import installed_look
from k8snet_provision.topology import Cluster

USER = "k8snet-drift"
USER_NAME = re.compile(r"[a-z_][a-z0-9_-]{0,31}")

ROLE = ("namespace.yaml", "role.yaml", "account.yaml")
"""Of kubernetes/: the same account as of the CronJob."""


@dataclass(frozen=True)
class Permissions:
    """`files` by their path below the directory that they are written to; `steps` say what to do with them."""

    files: Mapping[str, str]
    steps: tuple[str, ...]


def of(site: Site, cluster: Cluster, inventory: str, directory: str, user: str = USER, given: str = "") -> Permissions:
    """For one cluster, as a session with an installed look has it; `given` are options that drift needs then too."""
    kubeconfig = cluster.topology.control_plane.kubeconfig or READING_KUBECONFIG
    path = installed_look.path(cluster.name)
    look = path.rpartition("/")[2]
    looks = {
        f"{member.name}/{look}": installed_look.of_host(site, cluster, member.name).text for member in cluster.members
    }
    files = {
        **looks,
        "sudoers": templates.render("drift/sudoers.j2", cluster=cluster.name, user=user, path=path),
        "rbac.yaml": rbac(),
        "kubeconfig.sh": templates.render(
            "drift/kubeconfig.sh.j2", cluster=cluster.name, kubeconfig=quote(kubeconfig),
            namespace="k8snet-drift", secret="drift-token", directory=quote(kubeconfig.rpartition("/")[0] or "/"),
        ),
    }  # fmt: skip
    asked = f"k8snet-provision drift {quote(inventory)} --installed-look -e ansible_user={user}{given}"
    return Permissions(files, (*_steps(cluster, inventory, directory, user, path, kubeconfig), asked))


def rbac() -> str:
    """The account and all that it may do, with a token for a kubeconfig."""
    folder = assets.directory("kubernetes")
    parts = [(folder / name).read_text() for name in ROLE]
    return "---\n".join([*parts, (assets.directory("templates") / "drift" / "token.yaml").read_text()])


def _steps(cluster: Cluster, inventory: str, directory: str, user: str, path: str, kubeconfig: str) -> list[str]:
    look, folder = path.rpartition("/")[2], path.rpartition("/")[0]
    # sudo skips files whose names have a dot (sudoers manual, "Including other files").
    sudoers = f"/etc/sudoers.d/k8snet-drift-{look.removeprefix('look-').replace('.', '_')}"
    ansible = f"ansible -i {quote(inventory)} {','.join(sorted({r for m in cluster.members for r in m.roles}))} -b"
    from_here, copy = quote(directory), f"{ansible} -m copy -a"
    return [
        f'{ansible} -m user -a "name={user} system=true shell=/bin/sh"    # and its authorized_keys',
        f"{ansible} -m file -a \"path={folder} state=directory owner=root group=root mode=0755\"",
        f'{copy} "src={from_here}/{{{{ inventory_hostname }}}}/{look} dest={path} owner=root group=root mode=0700"',
        f"{copy} \"src={from_here}/sudoers dest={sudoers} owner=root group=root mode=0440 validate='visudo -cf %s'\"",
        f"sh kubeconfig.sh    # with rbac.yaml beside it, as root on {cluster.control_planes[0]}: makes {kubeconfig}",
    ]  # fmt: skip
