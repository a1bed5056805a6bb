"""Makes sockets, threads and sleeps cooperative, for the whole process, at the moment of import.

pyinfra drives its hosts with gevent greenlets and paramiko starts a thread per connection. Only pyinfra's
own command line patches the standard library; a program that uses it as a library and does not patch first
talks to one host at a time. What was imported before the patch keeps the blocking functions, so this is
the first import of the command line and of the test run, before anything that imports `ssl`.
"""

from __future__ import annotations

from gevent import monkey
from gevent.hub import Hub

monkey.patch_all()

# Ctrl-C reaches the main greenlet as ever; gevent need not print it as an error of its own before.
Hub.NOT_ERROR = (*Hub.NOT_ERROR, KeyboardInterrupt)
