"""One file per kind of thing: how to look at it on a host, how to compare it, how to describe it.

Everything here is data and pure functions. A probe is a piece of POSIX sh; `observe` joins the probes of
a host into one script. What it answers is `Seen`: present, absent or unknown. Reading an unknown raises
`Unknown`, so "could not look" can never be mistaken for "is as wanted".
"""
