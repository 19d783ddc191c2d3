"""{% workload_actions record as actions %}: what the person may ask of a row; the rights are asked for once a page."""

from django.template import Context, Library

from workloads.models import Workload
from workloads.queries import Actions, actions_for

register = Library()
_KEPT = "_workload_actions"


@register.simple_tag(takes_context=True)
def workload_actions(context: Context, workload: Workload) -> Actions:
    request = context["request"]
    if not hasattr(request, _KEPT):
        setattr(request, _KEPT, actions_for(request.user))
    found: Actions = getattr(request, _KEPT)(workload)
    return found
