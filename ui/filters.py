"""Filter chips: what a FilterSet narrows, in words, each with the address that takes it away."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from django import forms
from django.db.models import Q, QuerySet
from django.http import QueryDict
from django_filters import FilterSet

SHOWN_VALUES = 3


@dataclass(frozen=True)
class Chip:
    field: str
    operator: str
    value: str
    without: str
    name: str


def chips_of(filters: FilterSet, query: QueryDict, path: str) -> list[Chip]:
    """One chip for each field that narrows the list."""
    form = filters.form
    if not form.is_valid() and not form.errors:
        return []
    chips = []
    for name, field in form.fields.items():
        given = form.cleaned_data.get(name) if hasattr(form, "cleaned_data") else None
        if given in (None, "", [], ()) or (isinstance(given, QuerySet) and not given):
            continue
        values = words_of(field, given)
        many = len(values) > 1
        operator = operator_of(filters.filters[name].lookup_expr, many=many)
        label = str(field.label or name).removesuffix(f" {operator}")  # django-filter's own labels carry it
        chips.append(Chip(label, operator, shortened(values), without(path, query, name), name))
    return chips


def words_of(field: forms.Field, given: Any) -> list[str]:
    labels = {str(key): str(label) for key, label in getattr(field, "choices", ()) if key not in ("", None)}
    if isinstance(given, str) or not isinstance(given, Iterable):
        given = [given]
    words = []
    for one in given:
        key = str(getattr(one, "pk", one))
        words.append({True: "yes", False: "no"}[one] if isinstance(one, bool) else labels.get(key, str(one)))
    return words


def operator_of(lookup: str, *, many: bool) -> str:
    words = {"icontains": "contains", "gte": "at least", "lte": "at most", "gt": "over", "lt": "under"}
    return words.get(lookup, "is any of" if many else "is")


def shortened(values: list[str]) -> str:
    rest = len(values) - SHOWN_VALUES
    return ", ".join(values[:SHOWN_VALUES]) + (f", +{rest}" if rest > 0 else "")


def without(path: str, query: QueryDict, name: str) -> str:
    """The address with this filter taken away; a range field has several parameters."""
    left = query.copy()
    for key in (name, f"{name}_min", f"{name}_max", f"{name}_after", f"{name}_before", "page"):
        left.pop(key, None)
    return f"{path}?{left.urlencode()}" if left else path


def search_condition(fields: Iterable[str], text: str) -> Q:
    """Every word must stand in one of the fields."""
    condition = Q()
    for word in text.split():
        one = Q()
        for field in fields:
            one |= Q(**{f"{field}__icontains": word})
        condition &= one
    return condition
