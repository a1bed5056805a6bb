"""What every test may rely on."""

from __future__ import annotations

import signal

# A runner may have been started with interrupts ignored (nohup, a background job), which children inherit; then no
# test could show what an interrupt does. A handler of our own is reset to the default in every child.
signal.signal(signal.SIGINT, signal.default_int_handler)
