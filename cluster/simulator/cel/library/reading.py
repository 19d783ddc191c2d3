"""Whether a text can be read as something."""

from collections.abc import Callable


def can(read: Callable[..., str]) -> Callable[..., bool]:
    """A function of the same arguments: whether `read` takes them, instead of raising ValueError."""

    def is_one(*arguments: str | bool) -> bool:
        try:
            read(*arguments)
        except ValueError:
            return False
        return True

    return is_one
