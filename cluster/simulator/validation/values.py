"""Value rules of a custom resource's schema."""

from typing import Any

from cluster.simulator.openapi.schema import Schema
from cluster.simulator.problems import Cause


def value_causes(schema: Schema, document: dict[str, Any]) -> list[Cause]:
    """Every rule of the schema that the document breaks."""
    return []
