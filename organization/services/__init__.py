"""Writes, by noun: clusters, departments, projects, node pools, quotas, members. One function is one intention of one person."""
