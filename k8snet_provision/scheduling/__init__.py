"""Scheduling: drift again and again on the operator's machine, by a timer of systemd, as a user of its own."""
