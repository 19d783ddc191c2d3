"""Writes on who belongs to a project: rights given on its scope."""

from django.contrib.auth.models import User
from django.db import transaction

from access import services as access
from access.errors import InvalidInput
from access.models import AccessRule
from organization.models import Project
from ui import live


@transaction.atomic
def add_member(*, actor: User, project: Project, email: str, role: str) -> AccessRule:
    """Raises InvalidInput naming the field when nobody has that address, or the person has the role here already."""
    person = access.person_with(email)
    rule = access.give_role(actor=actor, person=person, role=role, scope=project.scope, place=project.name)
    live.publish("projects", project.pk)
    return rule


@transaction.atomic
def remove_member(*, actor: User, project: Project, rule: AccessRule) -> None:
    """Only rights given on the project itself; those from above are taken where they were given."""
    if rule.scope != project.scope:
        raise InvalidInput(
            {"": [f"{rule.user} has this right from above {project.name}: it is taken there."]}
        )
    access.take_role(actor=actor, rule=rule, place=project.name)
    live.publish("projects", project.pk)
