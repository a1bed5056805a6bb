"""World: the cluster as wanted beside the cluster as seen. What every pure function of deploys/ is given."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from k8snet_provision.cluster_state import ClusterState, kubectl
from k8snet_provision.observe import Observation
from k8snet_provision.resources.kube_object import Manifest, ObjectRef
from k8snet_provision.resources.probe import HostSeen, Unknown
from k8snet_provision.resources.service import without_given
from k8snet_provision.topology import Cluster, Topology


@dataclass(frozen=True, eq=False)
class World:
    """One look; each is itself alone, so that what is derived from all of it may be kept."""

    cluster: Cluster
    observation: Observation
    state: ClusterState
    cluster_phases: frozenset[str] | None = None
    """Phases whose cluster objects this run is about; None: all. --limit and --tags leave some out."""

    @property
    def topology(self) -> Topology:
        return self.cluster.topology

    @property
    def prelude(self) -> str:
        """sh that defines K, the kubectl of a control-plane host."""
        return kubectl(self.topology.control_plane.kubectl, self.topology.control_plane.kubeconfig)

    def host(self, name: str) -> HostSeen:
        """Raises Unknown for a host that was not reached."""
        return self.observation.host(name)

    def reached(self, hosts: tuple[str, ...]) -> tuple[str, ...]:
        return tuple(host for host in hosts if host in self.observation.hosts)

    def concerns(self, phase: str) -> bool:
        """Whether this run also changes the cluster objects of that phase."""
        return self.cluster_phases is None or phase in self.cluster_phases

    def live(self, ref: ObjectRef) -> Manifest | None:
        return self.state.live(ref)

    def after_apply(self, manifest: Manifest) -> Manifest:
        """What the server would keep of our manifest; as written where it could not be asked. Raises Unknown."""
        ref = ObjectRef.of(manifest)
        if ref in self.state.unforeseen:
            raise self.state.unforeseen[ref]
        dry: Mapping[ObjectRef, Manifest] = self.state.dry
        return without_given(dry[ref], manifest, self.live(ref)) if ref in dry else manifest


__all__ = ["Unknown", "World"]
