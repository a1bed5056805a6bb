"""Runs ansible-inventory's own code over many inventories in one process, forking once for each.

Reads from stdin a JSON list of [inventory, vault password file or ""]; writes a JSON list of what
`ansible-inventory` prints for each: `list`, `export`, `graph`, `graph_vars` and `hosts` by name. Starting
ansible-inventory anew for each of them would take minutes.
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile

from ansible import context
from ansible.cli.inventory import InventoryCLI
from ansible.module_utils.common.collections import ImmutableDict
from ansible.plugins.loader import inventory_loader


def views(inventory: str, password_file: str) -> dict[str, object]:
    vault = ["--vault-password-file", password_file] if password_file else []
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        cli = InventoryCLI(["ansible-inventory", "-i", inventory, "--list", *vault])
        with contextlib.suppress(SystemExit):
            cli.run()
    found: dict[str, object] = {"list": printed.getvalue()}
    top = cli.inventory.groups["all"]
    found["hosts"] = {host.name: cli.dump(cli._get_host_variables(host)) for host in cli.inventory.get_hosts()}
    found["graph"] = cli.inventory_graph()
    context.CLIARGS = ImmutableDict({**context.CLIARGS, "show_vars": True})
    found["graph_vars"] = cli.inventory_graph()
    context.CLIARGS = ImmutableDict({**context.CLIARGS, "export": True})
    found["export"] = cli.dump(cli.json_inventory(top))
    return found


def forked(arguments: list[str]) -> dict[str, object]:
    with tempfile.TemporaryFile("w+") as answer:
        pid = os.fork()
        if pid == 0:
            try:
                json.dump(views(*arguments), answer)
                answer.flush()
            except BaseException as error:
                print(f"{arguments}: {error!r}", file=sys.stderr)
            finally:
                os._exit(0)
        os.waitpid(pid, 0)
        answer.seek(0)
        return json.loads(answer.read() or "{}")


if __name__ == "__main__":
    for name in ("host_list", "script", "auto", "yaml", "ini", "toml"):
        inventory_loader.get(name)
    json.dump([forked(arguments) for arguments in json.load(sys.stdin)], sys.stdout)
