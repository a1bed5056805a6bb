"""What befalls a run: each fault strikes at its moment, and is lifted once the run has ended."""

from __future__ import annotations

import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass

from k8snet_provision.lab import hosts, network
from k8snet_provision.lab.settings import Lab
from tests.hosts.faults.moments import BATCH, BEGUN, PASSED, STEP, STEP_DONE, Moment
from tests.hosts.labs import LabCluster

SIGKILLED = -signal.SIGKILL


@dataclass
class Scene:
    """A run of a phase, once it is started, and the host that is struck."""

    cluster: LabCluster
    lab: Lab
    host: str
    phase: str
    started: subprocess.Popen[str] | None = None
    struck: bool = False

    @property
    def run(self) -> subprocess.Popen[str]:
        assert self.started is not None
        return self.started

    def on(self, script: str) -> str:
        return self.cluster.on(self.host, script)


def _nothing(scene: Scene) -> None:
    return


@dataclass(frozen=True)
class Fault:
    """`prepare` is done before the run; `strike` at the moment; `lift` after its end.

    `exits` are the right exit codes beside 0, which is right where diff finds nothing afterwards.
    """

    name: str
    at: Moment
    strike: Callable[[Scene], None]
    lift: Callable[[Scene], None] = _nothing
    prepare: Callable[[Scene], None] = _nothing
    exits: frozenset[int] = frozenset({1, 3})
    at_rest: bool = False
    """The run is held still meanwhile: all of it happens between two of the run's moments."""

    def befall(self, scene: Scene) -> None:
        if self.at_rest:
            scene.run.send_signal(signal.SIGSTOP)
        self.strike(scene)
        if self.at_rest:
            scene.run.send_signal(signal.SIGCONT)


def _kill(scene: Scene) -> None:
    scene.run.send_signal(signal.SIGKILL)


def _power_off(scene: Scene) -> None:
    hosts.pull_plug(scene.lab, scene.host)


def _power_on(scene: Scene) -> None:
    brought = scene.cluster.lab("up")
    assert brought.code == 0, brought


def _cut(scene: Scene) -> None:
    network.cut(scene.lab.link(scene.host))


def _plug_in(scene: Scene) -> None:
    link = scene.lab.link(scene.host)
    subprocess.run(["ip", "link", "set", link, "up"], check=True, capture_output=True, timeout=10)


def _cut_for(seconds: float) -> Callable[[Scene], None]:
    def strike(scene: Scene) -> None:
        _cut(scene)
        time.sleep(seconds)
        _plug_in(scene)

    return strike


def _small(directory: str) -> Callable[[Scene], None]:
    """The directory becomes a file system of its own, with little room beside what it holds."""

    def prepare(scene: Scene) -> None:
        scene.on(
            f"mkdir -p {directory} /root/full && size=$(($(du -sk {directory} | cut -f 1) * 4 + 262144)) && "
            f"mount -t tmpfs -o size=${{size}}k,mode=755 full /root/full && cp -a {directory}/. /root/full/ && "
            f"mount --bind /root/full {directory} && umount /root/full && rmdir /root/full"
        )

    return prepare


def _fill(directory: str) -> Callable[[Scene], None]:
    def strike(scene: Scene) -> None:
        scene.on(f"dd if=/dev/zero of={directory}/.filler bs=1k 2>/dev/null; df {directory} | grep -q 100%")

    return strike


def _make_room(directory: str) -> Callable[[Scene], None]:
    """What was written there is kept: the disk that was full is the same disk afterwards."""

    def lift(scene: Scene) -> None:
        scene.on(
            f"rm -f {directory}/.filler && mount --bind / /mnt && "
            f"find /mnt{directory} -mindepth 1 -delete && cp -a {directory}/. /mnt{directory}/ && "
            f"umount /mnt && umount {directory}"
        )

    return lift


def _restart_sshd(scene: Scene) -> None:
    """With every session ended, which systemd leaves alone otherwise."""
    scene.on(
        "systemctl restart ssh; for p in /proc/[0-9]*; do read -r line <$p/cmdline 2>/dev/null; "
        'case $line in "sshd: "*) kill -9 ${p#/proc/} ;; esac; done; true'
    )


def _apiserver(name: str) -> Callable[[Scene], None]:
    def strike(scene: Scene) -> None:
        for host in scene.lab.group("kube_control_plane"):
            scene.cluster.on(
                host.name,
                "for p in /proc/[0-9]*; do first=$(tr '\\0' '\\n' <$p/cmdline 2>/dev/null | head -n 1); "
                f'[ "${{first##*/}}" = kube-apiserver ] && kill -{name} ${{p#/proc/}}; done; true',
            )

    return strike


UNIT = "/etc/systemd/system/kube-apiserver.service"


def _refuse_new(scene: Scene) -> None:
    """An apiserver that does not start with the new flag, and starts with the old one."""
    guard = f"[Service]\\nExecStartPre=/bin/sh -c '! grep -q 30000-32000 {UNIT}'\\n"
    scene.on(f'mkdir -p /run/systemd/system/kube-apiserver.service.d && printf "{guard}" '
             ">/run/systemd/system/kube-apiserver.service.d/refuse.conf && systemctl daemon-reload")  # fmt: skip


def _refuse_no_more(scene: Scene) -> None:
    scene.on("rm -r /run/systemd/system/kube-apiserver.service.d && systemctl daemon-reload")


OTHERS = {
    "coredns": ("kube-system", "configmap", "coredns", '{"data": {"Corefile": "whoami"}}'),
    "services": ("default", "service", "shop", '{"spec": {"sessionAffinity": "ClientIP"}}'),
    "kube-proxy config": ("kube-system", "configmap", "kube-proxy", '{"data": {"others": "by-others"}}'),
}
"""By phase: what another field manager changes: namespace, kind, name and patch."""


def _other_manager(scene: Scene) -> None:
    namespace, kind, name, patch = OTHERS[scene.phase]
    scene.on(
        f"kubectl -n {namespace} get {kind} {name} -o json >/root/before-others.json; "
        f"kubectl -n {namespace} patch {kind} {name} --type=merge --field-manager=others -p '{patch}'"
    )


def _others_take_it_back(scene: Scene) -> None:
    """What they changed must still be there: a run that refused to overwrite it must not put anything back over it."""
    if not scene.struck:
        return
    namespace, kind, name, patch = OTHERS[scene.phase]
    value = patch.rpartition(": ")[2].strip('"{} ')
    scene.on(f"kubectl -n {namespace} get {kind} {name} -o json | grep -qF '{value}'")
    kept = "/root/before-others.json"
    scene.on(f'sed -i \'/"resourceVersion"/d; /"uid"/d\' {kept}; kubectl replace --field-manager=others -f {kept}')
    scene.on(f"rm {kept}")


def killed(at: Moment) -> Fault:
    return Fault("SIGKILL", at, _kill, exits=frozenset({SIGKILLED}))


def disk_full(directory: str) -> Fault:
    small, full, room = _small(directory), _fill(directory), _make_room(directory)
    return Fault(f"disk full {directory}", BATCH, full, lift=room, prepare=small, at_rest=True)


POWER_OFF = Fault("power off", STEP, _power_off, lift=_power_on)
CUT = Fault("network cut", STEP, _cut, lift=_plug_in)
CUT_SHORTLY = Fault("network cut 3 s", STEP, _cut_for(3))
SSHD = Fault("sshd restart", STEP, _restart_sshd)
NEVER_READY = Fault("apiserver hangs", STEP, _apiserver("STOP"), lift=_apiserver("CONT"))
REFUSES_NEW = Fault("apiserver never ready", STEP, _nothing, prepare=_refuse_new, lift=_refuse_no_more)
OTHERS_CHANGE = Fault("another manager", BEGUN, _other_manager, lift=_others_take_it_back, at_rest=True)

KILLS = tuple(killed(at) for at in (BEGUN, BATCH, STEP, STEP_DONE, PASSED))
