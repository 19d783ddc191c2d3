"""{{ page|gpus_of:node }}: what a node holds and has free."""

from dataclasses import dataclass
from typing import Any

from django import template

from organization.models import Node

register = template.Library()


@dataclass(frozen=True)
class NodeGpus:
    held: float
    free: float


@register.filter
def gpus_of(page: Any, node: Node) -> NodeGpus | None:
    """None when nobody knows what is held; more held than there is (a device has died) leaves none free."""
    if page.held is None:
        return None
    held = page.held.get(node.pk, 0)
    return NodeGpus(held, max(0, node.gpu_count - held))
