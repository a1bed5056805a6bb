"""A real OpenSSH server on loopback, with its own host key, client key, log and process."""

from __future__ import annotations

import getpass
import os
import signal
import socket
import subprocess
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from k8snet_provision.inventory.connection import Connection

ALONE = ("unshare", "--pid", "--fork", "--kill-child", "--mount-proc", "--")
LISTENERS = 16  # OpenSSH's MAX_LISTEN_SOCKS, for one process

CONFIG = """
Port {port}
{listen}
HostKey {home}/host_key
PidFile none
AuthorizedKeysFile {home}/authorized_keys
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
UseDNS no
LogLevel VERBOSE
MaxStartups 1000
AllowTcpForwarding yes
SetEnv HOME={home}
"""


def make_key(path: Path, kind: str = "ed25519", passphrase: str = "") -> Path:
    """A new key pair; returns the private file."""
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", passphrase, "-f", str(path)], check=True)
    return path


def free_port(address: str = "127.0.0.1") -> int:
    """A port nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind((address, 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass
class Sshd:
    """One server; `start` before use, `stop` after. Every address in `addresses` is one of its listeners.

    `alone`: its sessions see no processes but their own, whatever else runs on the machine meanwhile.
    """

    home: Path
    addresses: tuple[str, ...] = ("127.0.0.1",)
    port: int = field(default_factory=free_port)
    processes: list[subprocess.Popen[bytes]] = field(default_factory=list)
    alone: bool = False

    def start(self) -> Sshd:
        """Returns once the last address accepts connections."""
        Path("/run/sshd").mkdir(exist_ok=True)  # privilege separation needs it; Debian's unit makes it
        self.home.mkdir(parents=True, exist_ok=True)
        for name in ("host_key", "client_key"):
            if not (self.home / name).exists():
                make_key(self.home / name)
        (self.home / "authorized_keys").write_bytes((self.home / "client_key.pub").read_bytes())
        self.trust(self.home / "host_key.pub")
        for first in range(0, len(self.addresses), LISTENERS):
            self._listen(self.addresses[first : first + LISTENERS], self.home / f"config{first}")
        return self

    def _listen(self, addresses: tuple[str, ...], config: Path) -> None:
        listen = "\n".join(f"ListenAddress {address}" for address in addresses)
        config.write_text(CONFIG.format(port=self.port, listen=listen, home=self.home))
        command = ["/usr/sbin/sshd", "-D", "-f", str(config), "-E", str(self.home / "log")]
        self.processes.append(subprocess.Popen([*(ALONE if self.alone else ()), *command]))
        self._wait(addresses[-1])

    def trust(self, public_key: Path) -> None:
        """Writes the known_hosts file: this key for every address."""
        kind, blob = public_key.read_text().split()[:2]
        lines = [f"[{address}]:{self.port} {kind} {blob}\n" for address in self.addresses]
        (self.home / "known_hosts").write_text("# keys of the test's own sshd\n" + "".join(lines))

    def connection(self, name: str = "h1", address: str | None = None, **changes: object) -> Connection:
        """How to reach it, with `changes` to any field."""
        fields: dict[str, object] = {
            "name": name,
            "address": address or self.addresses[0],
            "port": self.port,
            "user": getpass.getuser(),
            "key_file": str(self.home / "client_key"),
            "known_hosts": str(self.home / "known_hosts"),
            "connect_timeout": 10.0,
        }
        return Connection(**(fields | changes))  # type: ignore[arg-type]

    def log(self) -> str:
        """What the server logged so far."""
        return (self.home / "log").read_text()

    def children(self) -> list[int]:
        """The processes of every connection, with their descendants."""
        return [pid for process in self.processes for pid in descendants(process.pid)]

    def signal_children(self, number: signal.Signals) -> None:
        """Sends a signal to every process of every connection, and not to the listener."""
        _signal(self.children(), number)

    def stop(self) -> None:
        """Ends the server and what it started, by process id; returns once nobody listens any more.

        A child that was forked in this very moment still has its listener's sockets.
        """
        children = self.children()
        for process in self.processes:
            process.kill() if self.alone else process.terminate()  # unshare(1) waits for its child through SIGTERM
            process.wait(10)
        _signal(children, signal.SIGKILL)
        self._wait(self.addresses[-1], listens=False)

    def _wait(self, address: str, listens: bool = True) -> None:
        deadline = time.monotonic() + 10
        while self._listens(address) is not listens:
            if time.monotonic() > deadline:
                raise TimeoutError(f"sshd did not {'listen' if listens else 'end'} within 10 s: {self.log()}")
            time.sleep(0.02)

    def _listens(self, address: str) -> bool:
        try:
            socket.create_connection((address, self.port), 1).close()
        except OSError:
            return False
        return True


def _signal(pids: list[int], number: signal.Signals) -> None:
    """One that ended meanwhile needs none."""
    for pid in pids:
        with suppress(ProcessLookupError):
            os.kill(pid, number)


def descendants(pid: int) -> list[int]:
    """Children and theirs, as /proc tells; a process that ended meanwhile has none."""
    try:
        text = Path(f"/proc/{pid}/task/{pid}/children").read_text()
    except OSError:
        return []
    children = [int(child) for child in text.split()]
    return children + [grandchild for child in children for grandchild in descendants(child)]
