"""What is shared out: clusters, departments, projects, node pools and their quotas."""
