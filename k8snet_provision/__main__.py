"""The entry point, also as `python -m k8snet_provision`: patches first, imports everything else after."""

import gc
import sys


def main() -> None:
    """Loading takes the better part of a second, in which an operator may change their mind as well."""
    gc.disable()  # what is loaded stays: to look for garbage among it takes a tenth of the time
    try:
        import k8snet_provision.engine.patch  # noqa: F401

        # isort: split
        from k8snet_provision import cli
    except KeyboardInterrupt:
        sys.exit("command line: K8N403 interrupted before anything was looked at")
    gc.freeze()
    gc.enable()
    cli.main()


if __name__ == "__main__":
    main()
