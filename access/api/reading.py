"""Reads the body of a request as a serializer describes it."""

from typing import Any

from rest_framework import serializers
from rest_framework.request import Request


def read(serializer: type[serializers.Serializer[Any]], request: Request) -> dict[str, Any]:
    """Raises DRF's ValidationError (400) with a pointer to each field."""
    filled = serializer(data=request.data)
    filled.is_valid(raise_exception=True)
    body: dict[str, Any] = filled.validated_data
    return body
