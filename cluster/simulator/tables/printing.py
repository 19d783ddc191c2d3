"""Objects -> a `meta.k8s.io/v1` Table. Pure but for the clock that ages are counted from."""

from typing import Any

from cluster.simulator.resources import Resource
from cluster.simulator.server.api import Document

NAME = {
    "name": "Name",
    "type": "string",
    "format": "name",
    "description": "Name must be unique within a namespace.",
    "priority": 0,
}
CREATED = {
    "name": "Created At",
    "type": "date",
    "format": "",
    "description": "When the object was created.",
    "priority": 0,
}


def table_of(resource: Resource, documents: list[Document], version: int) -> dict[str, Any]:
    """A row per object; each row carries the object's metadata."""
    rows = [
        {
            "cells": [document["metadata"]["name"], document["metadata"].get("creationTimestamp")],
            "object": {
                "kind": "PartialObjectMetadata",
                "apiVersion": "meta.k8s.io/v1",
                "metadata": document["metadata"],
            },
        }
        for document in documents
    ]
    return {
        "kind": "Table",
        "apiVersion": "meta.k8s.io/v1",
        "metadata": {"resourceVersion": str(version)},
        "columnDefinitions": [NAME, CREATED],
        "rows": rows,
    }
