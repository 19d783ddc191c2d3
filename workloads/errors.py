"""What can be wrong with a wish about a workload."""

from access.errors import InvalidInput


class NotPossibleNow(InvalidInput):
    """The workload's phase does not allow it; the sentence says which phase and what would."""

    def __init__(self, sentence: str) -> None:
        super().__init__({"": [sentence]})
