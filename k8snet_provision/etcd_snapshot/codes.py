"""K8N45x: why there is no snapshot of etcd, so that nothing is begun."""

from __future__ import annotations

from enum import StrEnum


class Code(StrEnum):
    """The number is stable: operators search for it, and give it to --skip. A comment says when it is given."""

    NO_APISERVER = "K8N450"  # no kube-apiserver runs there, or it does not say where its etcd is
    NO_ETCDCTL = "K8N451"  # neither in the host's PATH nor in etcd's own container
    UNREADABLE = "K8N452"  # a file that kube-apiserver shows to etcd is not on the host
    NO_ANSWER = "K8N453"  # etcd does not answer, or cannot name its members
    NO_SPACE = "K8N454"  # less room than the snapshot needs, or a directory that cannot be made
    NOT_SAVED = "K8N455"  # etcdctl could not fetch it, or it took too long
    NOT_SOUND = "K8N456"  # what was fetched failed verification, and was removed
    UNREACHED = "K8N457"  # no control-plane host could be asked, or it was lost meanwhile


SKIPPABLE = frozenset({Code.NO_APISERVER, Code.NO_ETCDCTL, Code.UNREADABLE})
"""Where etcd is kept by somebody else, who has to be asked for a snapshot. The others say that etcd or the host is
not well, which is no time to change the control plane."""

TEXTS = {
    Code.NO_APISERVER: "where etcd is cannot be told from the running kube-apiserver",
    Code.NO_ETCDCTL: "there is no etcdctl to take a snapshot of etcd with",
    Code.UNREADABLE: "a file that kube-apiserver shows to etcd cannot be read",
    Code.NO_ANSWER: "etcd does not answer",
    Code.NO_SPACE: "there is no room for a snapshot of etcd",
    Code.NOT_SAVED: "the snapshot of etcd could not be taken",
    Code.NOT_SOUND: "the snapshot of etcd is not sound, and was removed",
    Code.UNREACHED: "no snapshot of etcd could be asked for",
}

_BY_HAND = "or take a snapshot yourself and give --skip"

HINTS = {
    Code.NO_APISERVER: f"start kube-apiserver there, {_BY_HAND} {Code.NO_APISERVER}",
    Code.NO_ETCDCTL: (
        f"put etcdctl and etcdutl of etcd's version into /usr/local/bin of a control plane, {_BY_HAND} "
        f"{Code.NO_ETCDCTL}"
    ),
    Code.UNREADABLE: f"look at kube-apiserver's --etcd-cafile, --etcd-certfile, --etcd-keyfile, {_BY_HAND} "
    f"{Code.UNREADABLE}",
    Code.NO_ANSWER: "bring etcd into health first: etcdctl endpoint health --cluster",
    Code.NO_SPACE: "make room there; nothing was changed",
    Code.NOT_SAVED: "look at etcd's log and at the disk; nothing was changed",
    Code.NOT_SOUND: "look at etcd's log and at the disk before anything is changed: its database may be damaged",
    Code.UNREACHED: "nothing was changed; bring the host back, or see why the script takes so long",
}
