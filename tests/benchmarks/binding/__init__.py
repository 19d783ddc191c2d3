"""How many pods a second get a node on a genuine kube-apiserver: kube-scheduler against ours, in one run."""
