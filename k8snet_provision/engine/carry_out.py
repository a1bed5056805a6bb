"""pyinfra deploys that carry out changes of the common kinds; capabilities use them or bring their own."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from functools import wraps
from itertools import groupby
from shlex import quote
from typing import Any, cast

from pyinfra.api.deploy import deploy as pyinfra_deploy

from k8snet_provision.change import Action, Change, Kind, reloads, restarts
from k8snet_provision.engine import operations, recording, rooms
from k8snet_provision.resources import module, sysctl
from k8snet_provision.resources.kube_object import FIELD_MANAGER, RECREATE, ObjectRef

BACKUPS = "/var/lib/k8snet-provision/backups"

CarryOut = Callable[..., None]
"""(changes, prelude): adds the operations of one host's changes; `prelude` is the sh that defines kubectl as K."""


def deploy(name: str) -> Callable[[CarryOut], CarryOut]:
    """pyinfra's own decorator, typed as what it leaves: a function that may be called like the one it decorates.

    While steps are only written down there is no host that pyinfra could speak of: then the function itself is called.
    """

    def decorate(function: CarryOut) -> CarryOut:
        deployed = cast(CarryOut, pyinfra_deploy(name)(function))

        @wraps(function)
        def carry_out(*arguments: Any, **options: Any) -> None:
            (function if recording.under_way() else deployed)(*arguments, **options)

        return carry_out

    return decorate


@deploy("host changes")
def host_changes(changes: Sequence[Change], prelude: str = "") -> None:
    """Packages first, then the kernel, then files, then the units that the changes name."""
    for change in changes:
        if change.kind is Kind.PACKAGE:
            operations.install_package(change.name, **change.details)
        elif change.kind in (Kind.MODULE, Kind.SYSCTL):
            _kernel(change)
        elif change.kind is Kind.FILE:
            write(change)
    if units := (*restarts(changes), *(change.name for change in changes if change.kind is Kind.RESTART)):
        operations.restart_units(tuple(dict.fromkeys(units)))
    for change in changes:
        if change.kind is Kind.UNIT:
            enabled, active = change.details["after_enabled"], change.details["after_active"]
            operations.set_unit(change.name, enabled=bool(enabled), active=bool(active))
    if again := reloads(changes):
        operations.reload_units(again)


def _kernel(change: Change) -> None:
    """What is undone gets back the line that kept it over a reboot, or loses it where there was none."""
    line = change.details.get("after_kept")
    if change.kind is Kind.SYSCTL:
        operations.set_sysctl(change.name, change.after or "", kept_in=sysctl.KEPT_IN, line=line)
    elif change.action is Action.DELETE:
        operations.unload_module(change.name, kept_in=module.KEPT_IN, line=line or "")
    else:
        operations.load_module(change.name, kept_in=module.KEPT_IN)


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
    """What is applied goes to the server together, as many as follow each other; the rest one by one."""
    for name, together in _object_steps(changes):
        if len(together) > 1:
            manifests = [json.loads(change.details["manifest"]) for change in together]
            stdin = json.dumps({"apiVersion": "v1", "kind": "List", "items": manifests}).encode()
            operations.run_script(f"{prelude}\n{objects_script(together)}", stdin=stdin, name=name, timeout=120)
        else:
            script = f"{prelude}\n{object_script(together[0])}"
            operations.run_script(script, stdin=together[0].details["manifest"].encode(), name=name)


def _object_steps(changes: Iterable[Change]) -> Iterator[tuple[str, list[Change]]]:
    """The steps of `cluster_changes`, by name, and what each of them changes."""
    for how, group in groupby(changes, lambda change: change.details.get("how", "")):
        together = list(group)
        if how == "apply" and len(together) > 1:
            yield f"apply {len(together)} objects", together
        else:
            yield from ((_named(change), [change]) for change in together)


def made_before(changes: Sequence[Change], step: str) -> list[Change]:
    """What the steps before this one changed; everything, where it is no step of `cluster_changes`."""
    made: list[Change] = []
    for name, together in _object_steps(changes):
        if name == step:
            return made
        made += together
    return list(changes)


def _named(change: Change) -> str:
    how = change.details.get("how", "")
    guarded = how == "delete" and change.name.startswith(tuple(f"{kind} " for kind in rooms.KINDS))
    return f"{how} {change.name}{', unless others keep something in it' if guarded else ''}"


VERSIONS = (
    'go-template={{define "o"}}{{$o := .}}{{with .metadata}}'
    '{{$o.apiVersion}} {{$o.kind}} {{.namespace}}/{{.name}} generation={{.generation}}{{"\\n"}}'
    '{{$o.apiVersion}} {{$o.kind}} {{.namespace}}/{{.name}} resourceVersion={{.resourceVersion}}{{"\\n"}}'
    '{{end}}{{end}}{{if .items}}{{range .items}}{{template "o" .}}{{end}}{{else}}{{template "o" .}}{{end}}'
)
"""Two lines for each object that is there, of one or of a List."""


def objects_script(changes: Sequence[Change]) -> str:
    """sh that applies the List on stdin, unless one of its objects moved since the plan."""
    checks = "".join(_still(change) for change in changes)
    return f"""all=$(cat)
now=$(printf '%s' "$all" | K get -f - --ignore-not-found -o {quote(VERSIONS)}) || exit 1
now="
$now
"
{checks}printf '%s' "$all" | K apply --server-side --force-conflicts --field-manager={FIELD_MANAGER} -f -
"""


def _still(change: Change) -> str:
    """A line of `now` that must be there for an object that was seen, and must not for one that was not."""
    ref = ObjectRef.of(json.loads(change.details["manifest"]))
    place = f"\n{ref.api_version} {ref.kind} {ref.namespace or '<no value>'}/{ref.name} "
    version = change.details.get("before_version")
    if version is None:  # what is put back is put back whatever became of it
        return ""
    if version:
        line = f"{place}{version}\n"
        moved = f"{ref}: changed since it was observed ({version})"
        return f"case $now in *{quote(line)}*) ;; *) echo {quote(moved)} >&2; exit 1 ;; esac\n"
    there = f"{ref}: exists by now: run diff again"
    return f"case $now in *{quote(place)}*) echo {quote(there)} >&2; exit 1 ;; esac\n"


def object_script(change: Change) -> str:
    """sh that makes one object change from the manifest on stdin, unless the object moved since the plan."""
    manifest = json.loads(change.details["manifest"])
    meta = manifest["metadata"]
    group, _, version = manifest["apiVersion"].rpartition("/")
    kind = ".".join(filter(None, (manifest["kind"].lower(), version if group else "", group)))
    place = f" -n {quote(meta['namespace'])}" if meta.get("namespace") else ""
    target = f"{quote(kind)} {quote(meta['name'])}{place}"
    apply = f"apply --server-side --force-conflicts --field-manager={FIELD_MANAGER}"
    delete = "delete --wait --timeout=60s --ignore-not-found"
    commands = {
        "apply": f"K {apply} -f -",
        "replace": f"K replace --field-manager={FIELD_MANAGER} -f -",
        "create": f"K create --field-manager={FIELD_MANAGER} -f -",
        "delete": f"K {delete} -f -",
        RECREATE: f"""all=$(cat); K {delete} {target} && printf '%s' "$all" | K {apply} -f -""",
    }
    how = change.details["how"]
    guarded = how == "delete" and manifest["kind"] in rooms.KINDS
    guard = f"{rooms.unless_in_use(manifest['kind'], meta['name'])}\n" if guarded else ""
    return f"{_unmoved(target, change)}\n{guard}{commands[how]}\n"


def _unmoved(place: str, change: Change) -> str:
    version = change.details.get("before_version")
    if version is None:  # what is put back is put back whatever became of it
        return ""
    key, _, value = version.partition("=")
    if not value:
        return f"""K get {place} -o name >/dev/null 2>&1 && {{ echo "exists by now: run diff again" >&2; exit 1; }}"""
    return f"""now=$(K get {place} -o 'jsonpath={{.metadata.{key}}}') || exit 1
[ "$now" = {quote(value)} ] || {{ echo "changed since it was observed ({key} {value}, now $now)" >&2; exit 1; }}"""
