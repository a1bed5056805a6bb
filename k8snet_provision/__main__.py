"""The entry point, also as `python -m k8snet_provision`: patches first, imports everything else after."""

import k8snet_provision.engine.patch  # noqa: F401

# isort: split
from k8snet_provision.cli import main

if __name__ == "__main__":
    main()
