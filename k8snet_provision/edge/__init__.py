"""What is pure about the edge: the ways through it, HAProxy's and keepalived's configuration, what hosts answer."""
