"""MetalLB in a plan: its release as the topology wants it, and its pools."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from k8snet_provision import assets, planning
from k8snet_provision.capability import Phase
from k8snet_provision.metallb.contents import (
    CERTIFICATE,
    CONTROLLER,
    MEMBERLIST,
    NAMESPACE_REF,
    POOL_DEFINITION,
    SPEAKER,
)
from k8snet_provision.resources.kube_object import GENERATED_LABEL, Manifest, owned_by, owner
from tests.deploys.metallb_world import (
    a_metallb,
    a_pool,
    by_ref,
    codes,
    hosts,
    live,
    state,
)
from tests.deploys.worlds import a_state, a_world, present
from tests.metallb.releases import manifest, topology

metallb = assets.deploy_module("metallb")
refusals = assets.deploy_module("metallb_refusals")

# Of MetalLB's internal/speakerlist, v0.16.1: the file that speakers read has these keys, all of them.
SETTINGS = {
    "TCPTimeout",
    "IndirectChecks",
    "RetransmitMult",
    "SuspicionMult",
    "SuspicionMaxTimeoutMult",
    "PushPullInterval",
    "ProbeTimeout",
    "ProbeInterval",
    "DisableTcpPings",
    "AwarenessMaxMultiplier",
    "GossipNodes",
    "GossipInterval",
    "GossipToTheDeadTime",
    "GossipVerifyIncoming",
    "GossipVerifyOutgoing",
    "EnableCompression",
    "HandoffQueueDepth",
    "UDPBufferSize",
    "QueueCheckInterval",
}


def container(item: Manifest) -> dict[str, Any]:
    found: dict[str, Any] = item["spec"]["template"]["spec"]["containers"][0]
    return found


def test_everything_of_the_release_is_ours(tmp_path: Path) -> None:
    found = by_ref(list(metallb.manifests(a_metallb(tmp_path))))
    assert {owner(item) for item in found.values()} == {"metallb"}
    assert {NAMESPACE_REF, POOL_DEFINITION, CONTROLLER, SPEAKER, CERTIFICATE} <= set(found)


def test_without_the_section_nothing_is_asked_for_and_nothing_deleted(tmp_path: Path) -> None:
    before = [live(item) for item in metallb.manifests(a_metallb(tmp_path))]
    world = a_world(tmp_path, "service_cidr: 10.254.0.0/16", state=a_state(objects=before, owned=before))
    plan = planning.make([Phase(metallb.CAPABILITY), Phase(metallb.POOLS)], world, ["cp1", "w1"], 0.0)
    assert (plan.changes, plan.problems, plan.notices, plan.incomplete) == ((), (), (), ())
    assert [*metallb.CAPABILITY.probes(world.cluster, "cp1"), *metallb.reads(world.cluster)] == []


def test_images_come_from_where_the_topology_says(tmp_path: Path) -> None:
    digest = "sha256:" + "5" * 64
    text = topology(tmp_path) + "\nimages:\n  mirrors: {quay.io: 'registry.corp.test:5000/quay'}\n" + (
        f"  tags: {{quay.io/metallb/controller: v0.16.2}}\n  digests: {{quay.io/metallb/speaker: '{digest}'}}"
    )  # fmt: skip
    found = by_ref(list(metallb.manifests(a_world(tmp_path, text, hosts(), state()))))
    assert container(found[CONTROLLER])["image"] == "registry.corp.test:5000/quay/metallb/controller:v0.16.2"
    assert container(found[SPEAKER])["image"] == f"registry.corp.test:5000/quay/metallb/speaker:v0.16.1@{digest}"


def test_the_webhooks_secret_is_made_once_and_never_read(tmp_path: Path) -> None:
    world = a_metallb(tmp_path)
    made = by_ref(list(metallb.manifests(world)))[CERTIFICATE]
    assert made["metadata"]["labels"][GENERATED_LABEL] == "true"
    assert "data" not in made
    assert CERTIFICATE not in set(metallb.reads(world.cluster))
    there = a_metallb(tmp_path, said={"certificate": present("secret/metallb-webhook-cert\n")})
    assert CERTIFICATE not in by_ref(list(metallb.manifests(there)))


def test_speakers_on_control_planes_announce_when_they_shall(tmp_path: Path) -> None:
    plain = by_ref(list(metallb.manifests(a_metallb(tmp_path))))
    told = by_ref(list(metallb.manifests(a_metallb(tmp_path, "announce_from_control_planes: true"))))
    assert container(told[SPEAKER])["args"] == [*container(plain[SPEAKER])["args"], "--ignore-exclude-lb"]
    assert container(told[CONTROLLER]) == container(plain[CONTROLLER])


def test_speakers_that_notice_a_loss_sooner_are_given_every_setting_and_start_anew(tmp_path: Path) -> None:
    """Speakers refuse to start where one of their settings is missing."""
    plain = by_ref(list(metallb.manifests(a_metallb(tmp_path))))
    fast = by_ref(list(metallb.manifests(a_metallb(tmp_path, "fast_failover: true"))))
    assert set(fast) - set(plain) == {MEMBERLIST}
    settings = json.loads(fast[MEMBERLIST]["data"]["config.json"])
    assert set(settings) == SETTINGS
    before, after = (found[SPEAKER]["spec"]["template"]["metadata"]["annotations"] for found in (plain, fast))
    assert set(after) - set(before) == {"k8snet-provision/memberlist-sha256"}
    assert codes(list(refusals.of_release(a_metallb(tmp_path, "fast_failover: true")))) == []


def test_a_release_without_those_settings_is_refused_them(tmp_path: Path) -> None:
    old = manifest().replace(b"name: metallb-memberlist-config", b"name: another")
    world = a_world(tmp_path, topology(tmp_path, more="fast_failover: true", data=old), hosts(), state())
    assert codes(list(refusals.of_release(world))) == ["K8N333"]


def test_pools_are_what_metallb_has_to_be_told(tmp_path: Path) -> None:
    text = topology(tmp_path, "192.0.2.64/28, 2001:db8::10-2001:db8::1f").replace(
        "[{addresses", "[{name: lan, auto_assign: false, interfaces: [eth1], addresses"
    )
    pool, advertisement = metallb.pools(a_world(tmp_path, text, hosts(), state()))
    assert pool["spec"] == {"addresses": ["192.0.2.64-192.0.2.79", "2001:db8::10-2001:db8::1f"], "autoAssign": False}
    assert advertisement["spec"] == {"ipAddressPools": ["lan"], "interfaces": ["eth1"]}
    assert {owner(pool), owner(advertisement)} == {"metallb-pools"}


def test_a_pool_that_is_no_longer_asked_for_is_deleted(tmp_path: Path) -> None:
    old = owned_by("metallb-pools", a_pool("old", "192.0.2.10-192.0.2.11"))
    world = a_metallb(tmp_path, owned=[old])
    plan = planning.make([Phase(metallb.POOLS)], world, ["cp1", "w1"], 0.0)
    assert [change.name for change in plan.changes if change.after is None] == ["IPAddressPool metallb-system/old"]
