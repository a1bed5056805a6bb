"""What several commands of drift take."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

State = Annotated[
    Path | None, typer.Option(help="Where drift keeps what it saw before; $XDG_STATE_HOME/k8snet-provision/drift.")
]
