"""Files of Debian packages of another release than the hosts': downloaded and unpacked, never installed.

apt runs with a state of its own, in which nothing is installed yet, so it finds every dependency; the
machine's packages and lists stay as they are. Of the machine it takes the mirror, the keys and the settings.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

from k8snet_provision.lab import debian
from k8snet_provision.lab.programs import Programs

KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"


def unpack(out: Path, suite: str, packages: tuple[str, ...], programs: Programs) -> None:
    """Fill `out` with the files of the packages and of what they depend on. Raises ProgramFailed."""
    with tempfile.TemporaryDirectory(prefix="k8snet-apt-") as state:
        options = _options(Path(state), suite, debian.mirror(programs))
        programs.run(("apt-get", *options, "update"), seconds=300)
        programs.run(("apt-get", *options, "--yes", "--download-only", "install", *packages), seconds=600)
        archives = sorted(Path(state).glob("archives/*.deb"), key=lambda path: not path.name.startswith("base-files_"))
        for archive in archives:  # base-files first: its links say where /bin and /lib of the others go
            programs.run(("dpkg-deb", "--extract", str(archive), str(out)), seconds=60)
    for path in debian.UNREAD:
        shutil.rmtree(out / path, ignore_errors=True)


def _options(state: Path, suite: str, mirror: str) -> list[str]:
    (state / "lists" / "partial").mkdir(parents=True)
    (state / "archives" / "partial").mkdir(parents=True)
    (state / "status").touch()
    (state / "sources.list").write_text(f"deb [signed-by={KEYS}] {mirror} {suite} main\n")
    settings = {
        "Dir::State": state,
        "Dir::State::status": state / "status",
        "Dir::State::lists": state / "lists",
        "Dir::Cache": state,
        "Dir::Cache::archives": state / "archives",
        "Dir::Etc::sourcelist": state / "sources.list",
        "Dir::Etc::sourceparts": "/dev/null",
        "Dir::Etc::preferences": "/dev/null",
        "Dir::Etc::preferencesparts": "/dev/null",
        "APT::Default-Release": suite,
        "APT::Install-Recommends": "false",
        "APT::Sandbox::User": "root",  # the state is root's alone
        "Acquire::Languages": "none",
    }
    return [word for name, value in settings.items() for word in ("-o", f"{name}={value}")]
