"""A small Kubernetes API server with imaginary GPU nodes; see README.md beside this file."""
