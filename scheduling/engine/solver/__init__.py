"""The search for victims: used by reclaim, preempt and consolidate."""
