"""Everything that talks to Kubernetes; knows no Django."""
