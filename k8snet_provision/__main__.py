"""The entry point, also as `python -m k8snet_provision`: patches first, imports everything else after."""

import gc
import os
import signal
from collections.abc import Callable
from types import FrameType


def main() -> None:
    """Loading takes the better part of a second, in which an operator may change their mind as well."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _end)
    load()()


def load() -> Callable[[], None]:
    """What runs the command that sys.argv says, with all it needs in memory."""
    gc.disable()  # what is loaded stays: to look for garbage among it takes a tenth of the time
    import k8snet_provision.engine.patch  # noqa: F401

    # isort: split
    from k8snet_provision import cli

    gc.freeze()
    gc.enable()
    return cli.main


def _end(number: int, frame: FrameType | None) -> None:
    """Ends the program without raising: Python swallows what is raised while it tidies up after an import."""
    os.write(2, b"command line: K8N403 interrupted before anything was looked at\n")
    os._exit(1)


if __name__ == "__main__":
    main()
