"""What people run: submission, life cycle and history of workloads."""
