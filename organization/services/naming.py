"""Whether a name may be given; shared by everything that has one."""

from django.core.exceptions import ValidationError
from django.db.models import Model, QuerySet

from access.errors import InvalidInput, NameTaken
from organization.models import NAME


def check_name(name: str, *, at_most: int, among: QuerySet[Model], what: str) -> None:
    """Raises InvalidInput for a name of wrong form, NameTaken when one of `among` has it."""
    if len(name) > at_most:
        raise InvalidInput({"name": [f"At most {at_most} characters; this has {len(name)}."]})
    try:
        NAME(name)
    except ValidationError as error:
        raise InvalidInput({"name": list(error.messages)}) from error
    if among.filter(name=name).exists():
        raise NameTaken({"name": [f"There is a {what} {name} already."]})


def check_description(text: str, *, at_most: int = 250) -> None:
    if len(text) > at_most:
        raise InvalidInput({"description": [f"At most {at_most} characters; this has {len(text)}."]})
