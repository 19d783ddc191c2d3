"""What can be wrong with a right."""


class NotAllowed(Exception):
    """The person may see this, but not do that; `missing` names the permission, `roles` who has it."""

    def __init__(self, message: str, *, missing: str = "", roles: tuple[str, ...] = ()) -> None:
        super().__init__(message)
        self.missing = missing
        self.roles = roles


class InvalidInput(Exception):
    """A wish that breaks a rule: `errors` maps a field (or "" for the whole) to sentences that name the limit."""

    def __init__(self, errors: dict[str, list[str]]) -> None:
        super().__init__(
            "; ".join(
                f"{field}: {' '.join(texts)}" if field else " ".join(texts) for field, texts in errors.items()
            )
        )
        self.errors = errors


class NameTaken(InvalidInput):
    """The name is in use where it must be unique (REST: 409)."""
