"""kube-proxy as it runs on a host: how it is installed, its live options, the packet rules of each mode."""
