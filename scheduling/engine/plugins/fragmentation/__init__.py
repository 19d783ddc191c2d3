"""Keep free GPUs usable for what the pool is usually asked for."""
