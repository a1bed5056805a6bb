"""What several commands of drift take."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Annotated

import typer

LEAST = "Least privilege"
"""The panel of help."""


def _path_there(text: str) -> str:
    if text and not re.fullmatch(r"/[^\x00-\x1f\x7f]*", text):
        raise typer.BadParameter("a path on the control planes, from the root")
    return text


InstalledLook = Annotated[
    bool,
    typer.Option(
        "--installed-look",
        help="Send no script: hosts run the look that `drift permissions` made for them.",
        rich_help_panel=LEAST,
    ),
]
Kubeconfig = Annotated[
    str,
    typer.Option(
        metavar="PATH",
        callback=_path_there,
        help="On the control planes, to read the cluster.",
        rich_help_panel=LEAST,
    ),
]
State = Annotated[
    Path | None, typer.Option(help="Where drift keeps what it saw before; $XDG_STATE_HOME/k8snet-provision/drift.")
]
