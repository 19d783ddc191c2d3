"""The components as template tags: {% load ui %}. One template each, listed in templates/ui/README.md."""

from django import template

from ui.tags import basics, explanations, figures, forms, frames, lists, page, words

register = template.Library()

for module in (basics, explanations, figures, forms, frames, lists, page, words):
    module.add_to(register)
