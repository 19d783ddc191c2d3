"""How form fields are drawn: each widget gets its classes and its links to help and error; radio cards and ordered lists as widgets."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from django import forms
from django.forms.boundfield import BoundField


@dataclass(frozen=True)
class Card:
    """What stands on a radio card besides its title. `blocked` is the rule in words that forbids it."""

    facts: str = ""
    use: str = ""
    blocked: str = ""


class RadioCards(forms.RadioSelect):
    """A choice drawn as cards; `cards` maps a choice's value to its Card. `new` = (label, address) adds the dashed last card."""

    def __init__(
        self, *, cards: Mapping[Any, Card] | None = None, new: tuple[str, str] | None = None
    ) -> None:
        super().__init__()
        self.cards = {str(value): card for value, card in (cards or {}).items()}
        self.new = new


class Segments(forms.RadioSelect):
    """A choice among two to five short words, in one row. `blocked` maps a value to the rule that forbids it."""

    def __init__(self, *, blocked: Mapping[Any, str] | None = None) -> None:
        super().__init__()
        self.blocked = {str(value): rule for value, rule in (blocked or {}).items()}


class OrderedList(forms.SelectMultiple):
    """Several choices in an order; the order of the submitted values counts. `facts` maps a value to a hint beside it."""

    def __init__(self, *, facts: Mapping[Any, str] | None = None) -> None:
        super().__init__()
        self.facts = {str(value): text for value, text in (facts or {}).items()}


@dataclass(frozen=True)
class Choice:
    value: str
    label: str
    is_chosen: bool
    card: Card = field(default_factory=Card)


def kind_of(bound: BoundField) -> str:
    """Which template draws the field."""
    widget = bound.field.widget
    kinds: Sequence[tuple[type[forms.Widget] | tuple[type[forms.Widget], ...], str]] = (
        (RadioCards, "radio_cards"),
        (Segments, "segments"),
        (OrderedList, "ordered_list"),
        (forms.CheckboxInput, "check"),
        ((forms.CheckboxSelectMultiple, forms.RadioSelect), "choices"),
        (forms.Select, "select"),
        (forms.Textarea, "textarea"),
    )
    return next((kind for types, kind in kinds if isinstance(widget, types)), "input")


def draw_widget(bound: BoundField, *, locked: str = "", **attrs: Any) -> str:
    """The control itself, with the classes and aria attributes of its state."""
    css = "check" if kind_of(bound) == "check" else "input"
    given = {key.replace("_", "-"): value for key, value in attrs.items() if value not in (None, "")}
    classes = " ".join(filter(None, [css, given.pop("class", ""), bound.field.widget.attrs.get("class", "")]))
    described = [f"{bound.id_for_label}-{part}" for part in describing_parts(bound, locked)]
    state: dict[str, Any] = {"class": classes}
    if bound.errors:
        state["aria-invalid"] = "true"
    if described:
        state["aria-describedby"] = " ".join(described)
    if locked:
        state["readonly" if css == "input" and kind_of(bound) != "select" else "disabled"] = True
    return bound.as_widget(attrs={**given, **state})


def describing_parts(bound: BoundField, locked: str) -> Iterable[str]:
    if bound.help_text:
        yield "help"
    if bound.errors:
        yield "error"
    if locked:
        yield "locked"


def choices_of(bound: BoundField) -> list[Choice]:
    """The options of a choice field without its empty one, chosen ones marked; ordered lists keep the chosen order in front."""
    widget = bound.field.widget
    value = bound.value()
    chosen = [str(v) for v in value] if isinstance(value, (list, tuple)) else [str(value)]
    cards = getattr(widget, "cards", {})
    facts = getattr(widget, "facts", getattr(widget, "blocked", {}))
    options = [
        Choice(
            str(key),
            str(label),
            str(key) in chosen,
            cards.get(str(key), Card(facts=facts.get(str(key), ""))),
        )
        for key, label in getattr(bound.field, "choices", [])
        if key not in ("", None)
    ]
    if isinstance(widget, OrderedList):
        return sorted((o for o in options if o.is_chosen), key=lambda option: chosen.index(option.value))
    return options


def left_out(bound: BoundField) -> list[Choice]:
    """The choices an ordered list could still take."""
    value = bound.value() or []
    chosen = {str(v) for v in value}
    return [
        Choice(str(key), str(label), is_chosen=False)
        for key, label in getattr(bound.field, "choices", [])
        if key not in ("", None) and str(key) not in chosen
    ]
