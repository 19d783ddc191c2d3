"""The REST dialect of Kubernetes over the store."""
