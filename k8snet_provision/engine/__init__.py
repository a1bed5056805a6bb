"""Reaches hosts: pooled SSH connections, scripts, and pyinfra as the engine of the roll-out.

With deploys/ the only place that imports pyinfra. Importing anything of this package patches the standard
library first; see `patch`.
"""

from k8snet_provision.engine import patch as patch
