"""Pages of the organisation, by noun: projects and quotas, departments, node pools, nodes, clusters."""
