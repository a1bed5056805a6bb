"""k8snet-provision: the network of on-prem Kubernetes clusters, provisioned and proved over SSH."""
