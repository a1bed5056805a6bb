"""An ingress-nginx that something else installed: whether it is in the way, and what adopting it deletes."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from k8snet_provision.ingress import observed
from k8snet_provision.ingress.controller import CONTROLLER, controller_class, ingress_class
from k8snet_provision.ingress.paths import OWNER
from k8snet_provision.problems import Problem
from k8snet_provision.resources.kube_object import Manifest, ObjectRef, owner
from k8snet_provision.seen import World
from k8snet_provision.topology.ingress import Ingress

IN_THE_WAY, OTHER_CLASS = "K8N320", "K8N321"

WORKLOADS = ("Deployment", "DaemonSet")

ORDER = ("ValidatingWebhookConfiguration", *WORKLOADS)
"""What is deleted first: a webhook that nobody answers would refuse every Ingress."""


def workloads(world: World) -> Sequence[Manifest]:
    """Controllers that are not ours and serve our class. Raises Unknown."""
    ingress = world.topology.ingress
    if ingress is None:
        return ()
    wanted = controller_class(world, ingress)
    return [item for item in observed.foreign(world) if item["kind"] in WORKLOADS and _class(item) == wanted]


def _class(workload: Manifest) -> str:
    containers = workload["spec"]["template"]["spec"].get("containers") or ()
    words = [word for container in containers for word in (*container.get("command", ()), *container.get("args", ()))]
    given = [word.partition("=")[2] for word in words if word.startswith("--controller-class=")]
    return given[-1] if given else CONTROLLER


def refusals(world: World) -> Iterable[Problem]:
    ingress = world.topology.ingress
    if ingress is None:
        return
    yield from _other_controller(world, ingress)
    if ingress.adopt:
        return
    found = [str(ObjectRef.of(item)) for item in workloads(world)]
    live = world.live(ingress_class(ingress))
    if live is not None and owner(live) != OWNER:
        found.append(str(ingress_class(ingress)))
    if found:
        yield Problem(
            IN_THE_WAY,
            f"an ingress-nginx that something else installed serves the class {ingress.class_name}",
            world.cluster.origin("ingress", "class_name"),
            found=", ".join(sorted(found)),
            hint="set ingress.adopt: true to take it over (it is deleted once ours serves), or another "
            "ingress.class_name to run beside it",
        )


def _other_controller(world: World, ingress: Ingress) -> Iterable[Problem]:
    live = world.live(ingress_class(ingress))
    said = live["spec"]["controller"] if live else CONTROLLER
    if not said.startswith(CONTROLLER):
        yield Problem(
            OTHER_CLASS,
            "the IngressClass belongs to another kind of controller",
            world.cluster.origin("ingress", "class_name"),
            found=f"controller {said}",
            expected=CONTROLLER,
            hint="give ingress.class_name a name that is free",
        )


def adopted(world: World) -> Sequence[Manifest]:
    """Objects that go once ours serves: all of the installation that has a controller of our class. Raises Unknown."""
    ingress = world.topology.ingress
    controllers = workloads(world) if ingress and ingress.adopt else ()
    releases = {_release(item) for item in controllers}
    found = [item for item in observed.foreign(world) if _belongs(item, releases)]
    return sorted(found, key=lambda item: ORDER.index(item["kind"]) if item["kind"] in ORDER else len(ORDER))


def _release(item: Manifest) -> tuple[str, str]:
    """Which installation an object belongs to: its namespace, and the label of the manifests and the chart."""
    meta = item["metadata"]
    return meta.get("namespace", ""), str((meta.get("labels") or {}).get("app.kubernetes.io/instance", ""))


def _belongs(item: Manifest, releases: set[tuple[str, str]]) -> bool:
    namespace, instance = _release(item)
    cluster_wide = not namespace and instance != "" and instance in {name for _, name in releases}
    return cluster_wide or (namespace, instance) in releases
