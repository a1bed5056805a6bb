-- Debian keeps this module under a name of its own.
return require("nginx.dns.resolver")
