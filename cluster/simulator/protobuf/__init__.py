"""Reads Kubernetes' protobuf bodies with field numbers kept as data."""
