"""drift in pods of a lab: its image on the nodes, its manifests as kubernetes/ has them, for this inventory."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML

from k8snet_provision.lab import artifacts, processes, settings
from tests.hosts import drift_image
from tests.hosts.labs import ROOT, LabCluster
from tests.program import Ran

NAMESPACE = "k8snet-drift"
MANIFESTS = ROOT / "kubernetes"
MEMORY = "/var/lib/drift-memory"
NOT_COPIED = (".ssh", ".lab")


@dataclass(frozen=True)
class DriftPods:
    """The cluster that the pods run in, and look at."""

    lab: LabCluster

    def kubectl(self, arguments: str, stdin: str = "", timeout: float = 120) -> str:
        """As the lab's administrator, with input; fails the test when it fails."""
        ran = on(self.lab, "cp1", ["kubectl", *arguments.split()], stdin.encode(), timeout)
        assert ran.code == 0, ran
        return ran.out

    def make(self, *manifests: Any) -> None:
        self.kubectl("apply -f -", as_yaml(manifests))

    def pods(self, job: str) -> list[Any]:
        found: list[Any] = self.lab.objects(f"-n {NAMESPACE} get pods -l batch.kubernetes.io/job-name={job}")["items"]
        return found

    def ended(self, job: str, seconds: int = 300) -> Any:
        """The job once none of its pods runs any more."""
        self.lab.on(
            "cp1",
            f"""for i in $(seq {seconds}); do
[ "$(kubectl -n {NAMESPACE} get job {job} -o 'jsonpath={{.status.conditions[?(@.status=="True")].type}}')" ] && exit 0
sleep 1; done; kubectl -n {NAMESPACE} describe pods >&2; exit 1""",
            timeout=seconds + 60,
        )
        return self.lab.objects(f"-n {NAMESPACE} get job {job}")

    def logs(self, job: str) -> str:
        return self.kubectl(f"-n {NAMESPACE} logs -l batch.kubernetes.io/job-name={job} --tail=-1 --prefix=false")


def on(lab: LabCluster, host: str, words: Sequence[str], stdin: bytes | Path = b"", timeout: float = 120) -> Ran:
    pid = processes.leader(settings.read(lab.inventory), host)
    assert pid is not None
    entered = processes.entered(pid, list(words))
    if isinstance(stdin, Path):
        with stdin.open("rb") as file:
            done = subprocess.run(entered, stdin=file, capture_output=True, timeout=timeout, check=False)
    else:
        done = subprocess.run(entered, input=stdin, capture_output=True, timeout=timeout, check=False)
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


def as_yaml(values: Sequence[Any]) -> str:
    out = StringIO()
    YAML(typ="safe").dump_all(list(values), out)
    return out.getvalue()


def manifest(name: str) -> list[Any]:
    return list(YAML(typ="safe").load_all((MANIFESTS / name).read_text()))


def put_image(lab: LabCluster, folder: Path) -> None:
    """Builds the image of this checkout and gives it to every node."""
    archive = folder / "drift.tar"
    drift_image.write(archive, artifacts.ensure(print).layer / "usr/local/bin/kubectl")
    for node in lab.kubectl("get nodes -o 'jsonpath={.items[*].metadata.name}'").split():
        ran = on(lab, node, ["ctr", "--namespace", "k8s.io", "images", "import", "-"], archive, 300)
        assert ran.code == 0, ran


def furnish(lab: LabCluster) -> DriftPods:
    """Namespace, account and role as shipped; key, known_hosts and the inventory of this lab."""
    pods = DriftPods(lab)
    shipped = [item for name in ("namespace", "role", "account") for item in manifest(f"{name}.yaml")]
    ssh = lab.inventory / ".ssh"
    data = {"id_ed25519": (ssh / "id_lab").read_text(), "known_hosts": (ssh / "known_hosts").read_text()}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": _named("drift-ssh"), "stringData": data}
    files = {_key(path): path.read_text() for path in _files(lab.inventory)}
    inventory = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": _named("drift-inventory"), "data": files}
    pods.make(*shipped, secret, inventory)
    return pods


def for_this_lab(lab: LabCluster, pod: Any) -> None:
    """What kubernetes/README tells an operator to fill in: the image, the inventory's name and its files."""
    name = lab.inventory.name
    (container,) = pod["containers"]
    container["image"] = drift_image.NAME
    container["args"] = [word.replace("/inventories/prod", f"/inventories/{name}") for word in container["args"]]
    volume = next(volume for volume in pod["volumes"] if volume["name"] == "inventory")
    volume["configMap"]["items"] = [
        {"key": _key(path), "path": f"{name}/{path.relative_to(lab.inventory)}"} for path in _files(lab.inventory)
    ]


def give_memory(pods: DriftPods, pod: Any) -> None:
    """What kubernetes/cronjob.yaml says of it: a claim in the place of the volume that is gone with the pod."""
    volume = next(volume for volume in pod["volumes"] if volume.get("emptyDir") == {} and volume["name"] == "memory")
    del volume["emptyDir"]
    volume["persistentVolumeClaim"] = {"claimName": "drift-memory"}
    pods.lab.on("node1", f"mkdir -p {MEMORY}")
    size, modes = {"storage": "10Mi"}, ["ReadWriteOnce"]
    on_node1 = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node1"]}
    disk = {
        "capacity": size,
        "accessModes": modes,
        "storageClassName": "drift",
        "local": {"path": MEMORY},
        "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [on_node1]}]}},
    }
    asked = {"accessModes": modes, "storageClassName": "drift", "resources": {"requests": size}}
    pods.make(
        {"apiVersion": "v1", "kind": "PersistentVolume", "metadata": {"name": "drift-memory"}, "spec": disk},
        {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": _named("drift-memory"), "spec": asked},
    )


def _named(name: str) -> dict[str, str]:
    return {"name": name, "namespace": NAMESPACE}


def _files(inventory: Path) -> Iterator[Path]:
    for path in sorted(inventory.rglob("*")):
        if path.is_file() and path.relative_to(inventory).parts[0] not in NOT_COPIED:
            yield path


def _key(path: Path) -> str:
    return path.name


def looks_of(text: str) -> Any:
    return json.loads(text[text.index("{") :])
