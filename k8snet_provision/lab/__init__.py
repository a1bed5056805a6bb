"""Real hosts and a real cluster on this machine, from an inventory."""
