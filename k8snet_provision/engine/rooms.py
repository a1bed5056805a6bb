"""Namespaces and definitions of kinds go only when nobody else keeps anything in them: their end ends all of it."""

from __future__ import annotations

from k8snet_provision.engine.shell import assign
from k8snet_provision.resources.kube_object import FIELD_MANAGER, OWNED_LABEL

KINDS = ("Namespace", "CustomResourceDefinition")

ROWS = (
    "go-template={{range .items}}{{if not .metadata.ownerReferences}}{{if not .metadata.deletionTimestamp}}"
    'object|{{with .metadata.labels}}{{index . "' + OWNED_LABEL + '"}}{{end}}|'
    '{{.kind}} {{with .metadata.namespace}}{{.}}/{{end}}{{.metadata.name}}{{"\\n"}}{{end}}{{end}}{{end}}'
)
"""Manager and name of what ends with no other object; kubectl's warnings may stand between such lines."""

BY_ITSELF = ("endpoints", "events", "events.events.k8s.io", "leases.coordination.k8s.io")
"""Kinds that the cluster and controllers write wherever they run."""

LEFT = """
look() {
  if [ "$kind" = Namespace ]; then
    kinds=$(K api-resources --verbs=list,delete --namespaced -o name) || return 1
    kinds=$(printf '%s\\n' "$kinds" | grep -vxE "$by_itself" | paste -sd, -)
    K get "$kinds" -n "$name" --ignore-not-found -o "$rows" 2>&1
  else K get "$name" -A --ignore-not-found -o "$rows" 2>&1; fi
}
tries=3
until said=$(look </dev/null); do
  case $kind-$said in Custom*"have a resource type"*) said=; break ;; esac
  tries=$((tries - 1))
  [ $tries -gt 0 ] || { echo "what is in $kind $name cannot be seen, so it stays: $said" >&2; exit 1; }
  sleep 1
done
left=$(printf '%s\\n' "$said" | awk -F '|' -v ours="$ours" -v room="$name" '
  $1 != "object" || $2 == ours || $3 == "ConfigMap " room "/kube-root-ca.crt" { next }
  $3 == "ServiceAccount " room "/default" { next }
  n++ < 3 { printf "%s%s", (n == 1 ? "" : ", "), $3 }
  END { if (n > 3) printf " and %d more", n - 3 }') || exit 1
[ -z "$left" ] || { echo "$kind $name stays: somebody else keeps $left in it"; exit 0; }
"""


def unless_in_use(kind: str, name: str) -> str:
    """sh that ends the script well, and says so, where the room is somebody else's too; K is kubectl.

    What is in it while it cannot be seen is not taken for nothing: then the script fails.
    """
    values = assign(kind=kind, name=name, ours=FIELD_MANAGER, rows=ROWS, by_itself="|".join(BY_ITSELF))
    return f"{values}{LEFT}"
