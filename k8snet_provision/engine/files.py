"""Files replaced in one step on the host: checked, staged, validated, backed up, renamed.

One script does all of it, so nothing can happen between the check that a file is still what the plan saw
and the rename that replaces it, except within the last few milliseconds. Whoever reads the path sees the
old file or the new one, whole.
"""

from __future__ import annotations

import hashlib

from k8snet_provision.engine.script import Script
from k8snet_provision.engine.shell import CONFLICT, DIE, STAGE, assign

SECONDS = 60.0  # writing, syncing and validating one file; slow disks sync within seconds
VALIDATOR_SECONDS = 30

# A file reached through a link is replaced where it lies: the link is the operator's own layout.
CHECK = (
    DIE
    + f"""
conflict() {{ die {CONFLICT} "$path: changed since it was observed: $1"; }}
real=$(readlink -m -- "$path" && echo .) && real=${{real%??}} || die 1 "$path: cannot be resolved"
directory=${{real%/*}}; [ -n "$directory" ] || directory=/
sum() {{ sha256sum <"$1" | {{ read -r hash _; printf '%s\\n' "$hash"; }}; }}
unchanged() {{
  if [ -z "$before" ]; then
    [ ! -e "$real" ] || conflict "it is there now"
  else
    [ -e "$real" ] || conflict "it is gone"
    [ -f "$real" ] || conflict "it is no regular file"
    [ "$(sum "$real")" = "$before" ] || conflict "its content is another"
  fi
}}
back_up() {{
  if [ -z "$before" ] || [ -e "$kept" ]; then return; fi
  (umask 077 && mkdir -p -- "${{kept%/*}}") && chmod 700 -- "$backups" &&
    cp -p -- "$real" "$kept.part" && mv -fT -- "$kept.part" "$kept" || die 1 "$path: cannot be backed up to $kept"
}}
"""
)

# The staged file keeps its name, for programs that judge by it (systemd-analyze), in a directory of its own.
WRITE = (
    STAGE
    + f"""
[ -f "$real" ] && [ "$(sum "$real")" = "$after" ] &&
  [ "$(stat -c '%a %U %G' -- "$real")" = "$mode $owner $group" ] && exit 0
unchanged
mkdir -p -- "$directory" "${{stage:=$directory}}" || die 1 "$path: its directory cannot be made"
[ "$(stat -c %d -- "$stage")" = "$(stat -c %d -- "$directory")" ] ||
  die 1 "$path: the stage directory $stage is on another file system"
work=$(stage_in "$stage" && echo .) && work=${{work%??}} ||
  die 1 "$path: nothing can be staged in $stage"
trap 'rm -rf -- "$work"' EXIT
trap 'exit 129' HUP INT TERM
staged="$work/${{real##*/}}"
(umask 077 && cat >"$staged") || die 1 "$path: cannot be staged in $stage"
[ "$(sum "$staged")" = "$after" ] || die 1 "$path: arrived incomplete"
chown -- "$owner:$group" "$staged" && chmod -- "$mode" "$staged" || die 1 "$path: owner or mode cannot be set"
if [ -n "$validate" ]; then
  said=$(timeout -k 5 {VALIDATOR_SECONDS} sh -c "$validate" validate "$staged" </dev/null 2>&1)
  code=$?
  [ $code -ne 124 ] || said="no verdict within {VALIDATOR_SECONDS} s"
  [ $code -eq 0 ] || die 1 "$path: refused by its validator (exit code $code): $said"
fi
sync -- "$staged" || die 1 "$path: cannot be synced to disk"
back_up
unchanged
mv -fT -- "$staged" "$real" || die 1 "$path: cannot be replaced"
if command -v restorecon >/dev/null; then restorecon -- "$real"; fi
sync -- "$directory"
exit 0
"""
)

REMOVE = """
[ -e "$real" ] || exit 0
unchanged
back_up
rm -f -- "$real" || die 1 "$path: cannot be removed"
sync -- "$directory"
exit 0
"""


def write_file(
    path: str,
    content: bytes,
    *,
    expected_sha256: str | None,
    backup_dir: str,
    mode: str = "644",
    owner: str = "root",
    group: str = "root",
    validate: str = "",
    stage_dir: str = "",
) -> Script:
    """Replaces or creates a file. `expected_sha256`: in hex, of what the plan saw there; None for no file.

    `validate` is sh run with the staged file as $1. `stage_dir` is a directory of the same file system, for
    directories whose reader takes every file it finds; the file's own by default. What is replaced is kept
    under `backup_dir`, readable by root alone, under its path and the beginning of its sha256. A file that is
    as wanted is left alone, whatever it was before: so a change that was never made can be put back. Ends with
    shell.CONFLICT when the file is not what the plan saw; on any failure the old file is untouched.
    """
    values = assign(
        path=path,
        before=expected_sha256 or "",
        after=hashlib.sha256(content).hexdigest(),
        backups=backup_dir,
        kept=_kept(backup_dir, path, expected_sha256),
        mode=mode,
        owner=owner,
        group=group,
        validate=validate,
        stage=stage_dir,
    )
    return Script(values + CHECK + WRITE, content, timeout=SECONDS + VALIDATOR_SECONDS)


def remove_file(path: str, *, expected_sha256: str | None, backup_dir: str) -> Script:
    """Removes a file that still has the content the plan saw, keeping a copy as write_file does; one that is
    not there is as wanted."""
    kept = _kept(backup_dir, path, expected_sha256)
    values = assign(path=path, before=expected_sha256 or "", backups=backup_dir, kept=kept)
    return Script(values + CHECK + REMOVE, timeout=SECONDS)


def _kept(backup_dir: str, path: str, sha256: str | None) -> str:
    return f"{backup_dir}{path}.{(sha256 or 'none')[:12]}"
