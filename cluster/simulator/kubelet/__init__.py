"""The simulated kubelet: one process that plays the kubelets of all nodes with a shape, as a client of any API server."""
