"""What can be wrong with a wish about a workload."""


class NotPossibleNow(Exception):
    """The workload's phase does not allow it; the sentence says which phase and what would."""
