"""Controllers of the simulated cluster: clients of the API like everyone else."""
