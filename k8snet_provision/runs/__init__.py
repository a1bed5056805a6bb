"""Runs: what an apply did, step by step, as the operator's machine and the hosts keep it."""
