"""A genuine Kubernetes control plane on this machine, built from source once: the oracle of the cluster tests.

building.py makes the binaries, running.py starts and stops them; `python -m cluster.control_plane build | run`.
"""
