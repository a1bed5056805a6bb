"""Rollback: what runs did is undone, from what is there now, in an order in which each step finds what it needs."""
