"""Kubernetes types as data: trimmed OpenAPI schemas, discovery and protobuf field numbers of one version."""
