"""Proof on the hosts themselves: testinfra over the open connections, run by pytest in this process.

The only package that imports testinfra. `checks/` is what is shipped; a check's docstring is what it proves.
"""
