"""pyinfra deploys that carry out changes of the common kinds; capabilities use them or bring their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from shlex import quote
from typing import cast

from pyinfra.api.deploy import deploy as pyinfra_deploy

from k8snet_provision.change import Action, Change, Kind, restarts
from k8snet_provision.engine import operations
from k8snet_provision.resources import module, sysctl
from k8snet_provision.resources.kube_object import FIELD_MANAGER

BACKUPS = "/var/lib/k8snet-provision/backups"

CarryOut = Callable[..., None]
"""(changes, prelude): adds the operations of one host's changes; `prelude` is the sh that defines kubectl as K."""


def deploy(name: str) -> Callable[[CarryOut], CarryOut]:
    """pyinfra's own decorator, typed as what it leaves: a function that may be called like the one it decorates."""
    return cast(Callable[[CarryOut], CarryOut], pyinfra_deploy(name))


@deploy("host changes")
def host_changes(changes: Sequence[Change], prelude: str = "") -> None:
    """Kernel first, then files, then one reload, then the units that the changes name."""
    for change in changes:
        if change.kind is Kind.MODULE:
            operations.load_module(change.name, kept_in=module.KEPT_IN)
        elif change.kind is Kind.SYSCTL:
            operations.set_sysctl(change.name, change.after or "", kept_in=sysctl.KEPT_IN)
        elif change.kind is Kind.FILE:
            write(change)
    if units := (*restarts(changes), *(change.name for change in changes if change.kind is Kind.RESTART)):
        operations.restart_units(tuple(dict.fromkeys(units)))


def write(change: Change) -> None:
    """One file, checked on the host to be still what the plan saw."""
    details = change.details
    seen = details.get("before_sha256")
    if change.action is Action.DELETE:
        operations.remove_file(change.name, expected_sha256=seen, backup_dir=BACKUPS)
        return
    operations.write_file(
        change.name,
        (change.after or "").encode("utf-8", "surrogateescape"),
        mode=details["after_mode"],
        owner=details["after_owner"],
        group=details["after_group"],
        expected_sha256=seen,
        validate=details["validate"],
        stage_dir=details["stage"],
        backup_dir=BACKUPS,
    )


@deploy("cluster changes")
def cluster_changes(changes: Sequence[Change], prelude: str = "") -> None:
    for change in changes:
        operations.run_script(f"{prelude}\n{object_script(change)}", stdin=change.details["manifest"].encode())


def object_script(change: Change) -> str:
    """sh that makes one object change from the manifest on stdin, unless the object moved since the plan."""
    manifest = json.loads(change.details["manifest"])
    meta = manifest["metadata"]
    group, _, version = manifest["apiVersion"].rpartition("/")
    kind = ".".join(filter(None, (manifest["kind"].lower(), version if group else "", group)))
    place = f" -n {quote(meta['namespace'])}" if meta.get("namespace") else ""
    how = change.details["how"]
    verbs = {
        "apply": f"apply --server-side --force-conflicts --field-manager={FIELD_MANAGER} -f -",
        "replace": f"replace --field-manager={FIELD_MANAGER} -f -",
        "delete": "delete --wait=true --timeout=60s --ignore-not-found -f -",
    }
    target = f"{quote(kind)} {quote(meta['name'])}{place}"
    return f"{_unmoved(target, change)}\nK {verbs[how]}\n"


def _unmoved(place: str, change: Change) -> str:
    key, _, value = change.details.get("before_version", "").partition("=")
    if not value:
        return f"""K get {place} -o name >/dev/null 2>&1 && {{ echo "exists by now: run diff again" >&2; exit 1; }}"""
    return f"""now=$(K get {place} -o 'jsonpath={{.metadata.{key}}}') || exit 1
[ "$now" = {quote(value)} ] || {{ echo "changed since it was observed ({key} {value}, now $now)" >&2; exit 1; }}"""
