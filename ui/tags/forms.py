"""Tags for forms: one field, the summary of errors, hidden fields."""

from typing import Any

from django.forms import BaseForm
from django.forms.boundfield import BoundField
from django.template import Library
from django.template.loader import render_to_string

from ui.forms import choices_of, draw_widget, kind_of, left_out


def add_to(register: Library) -> None:
    register.simple_tag(field)
    register.simple_tag(form_errors)
    register.simple_tag(fields)


def field(bound: BoundField, **options: Any) -> str:
    """Label above, help below, error with its icon. Options: span (of 12 columns), unit, locked (the rule that fixes it),
    label, optional (writes "optional"), attributes of the control (placeholder=, rows=, autofocus=, hx_…=, css= for classes).
    """
    kind = kind_of(bound)
    own = {"span", "unit", "locked", "label", "optional", "css"}
    attrs = {key: value for key, value in options.items() if key not in own}
    drawn = kind in ("input", "select", "textarea", "check")
    if drawn:
        attrs["class"] = options.get("css", "")
    context = {
        **{key: options.get(key, "") for key in own},
        "bound": bound,
        "kind": kind,
        "control": draw_widget(bound, locked=options.get("locked", ""), **attrs) if drawn else "",
        "choices": choices_of(bound) if not drawn else [],
        "left_out": left_out(bound) if kind == "ordered_list" else [],
        "label": options.get("label") or bound.label,
    }
    return render_to_string("ui/field.html", context)


def fields(form: BaseForm, span: int = 12) -> str:
    """Every visible field of a form in a grid, hidden ones before it."""
    return render_to_string("ui/fields.html", {"form": form, "span": span})


def form_errors(form: BaseForm, title: str = "") -> str:
    """The summary above a form that could not be accepted: one line a field, linked to it; nothing for a valid form."""
    lines = [
        {
            "target": form[name].id_for_label if name in form.fields else "",
            "label": label_of(form, name),
            "text": text,
        }
        for name, texts in form.errors.items()
        for text in texts
    ]
    return render_to_string("ui/form_errors.html", {"lines": lines, "title": title})


def label_of(form: BaseForm, name: str) -> str:
    return str(form[name].label) if name in form.fields else ""
