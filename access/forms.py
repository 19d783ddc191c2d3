"""Forms of rights, people and tokens, and how refusals of services reach the fields of any form."""

import re
from collections.abc import Callable
from typing import Any

from django import forms
from django.contrib.auth.models import User
from django.http import HttpRequest, QueryDict

from access import scope_names
from access.errors import InvalidInput
from access.permissions import Permission
from access.roles import ROLES
from access.services import TOKEN_DAYS_AT_MOST, TOKEN_NAME_AT_MOST


def posted(request: HttpRequest) -> QueryDict | None:
    """What a form is bound to: an empty one that was sent is bound too, and says what is missing."""
    return request.POST if request.method == "POST" else None


def accepted(form: forms.BaseForm, act: Callable[[dict[str, Any]], object]) -> bool:
    """Whether the form is valid and the service took it; its refusals are then at their fields and the inputs kept."""
    if not form.is_valid():
        return False
    try:
        act(form.cleaned_data)
    except InvalidInput as refusal:
        add_errors(form, refusal)
        return False
    return True


def add_errors(form: forms.BaseForm, refusal: InvalidInput) -> None:
    """`gpu.deserved` and `defaultNodePools` are the fields gpu_deserved and default_node_pools; what has no field is told above."""
    for field, sentences in refusal.errors.items():
        name = re.sub(r"([a-z])([A-Z])", r"\1_\2", field).replace(".", "_").lower()
        for sentence in sentences:
            form.add_error(name if name in form.fields else None, sentence)


ROLE_CHOICES = [(role.key, f"{role.label} – {role.summary}") for role in ROLES.values()]


class RuleForm(forms.Form):
    """A role for a person on a scope."""

    email = forms.EmailField(label="E-mail of the person", max_length=254)
    role = forms.ChoiceField(label="Role", choices=ROLE_CHOICES, initial="researcher")
    scope = forms.ChoiceField(label="Where", help_text="The role holds there and on everything below.")

    def __init__(self, *args: Any, giver: User, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        places = scope_names.where(giver, Permission.EDIT_ACCESS)
        self.fields["scope"] = forms.ChoiceField(
            label="Where",
            help_text="The role holds there and on everything below.",
            choices=[(place.scope, f"{place.kind.capitalize()} {place.name}") for place in places],
        )


class PersonForm(forms.Form):
    email = forms.EmailField(label="E-mail", max_length=150, help_text="The person signs in with it.")
    first_name = forms.CharField(label="First name", max_length=150, required=False)
    last_name = forms.CharField(label="Last name", max_length=150, required=False)


class TokenForm(forms.Form):
    name = forms.CharField(label="Name", max_length=TOKEN_NAME_AT_MOST, help_text="What the token is for.")
    days = forms.IntegerField(
        label="Valid for",
        min_value=1,
        max_value=TOKEN_DAYS_AT_MOST,
        initial=90,
        help_text="Days, at most 365.",
    )
