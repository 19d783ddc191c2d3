"""JSON merge patch (RFC 7386); unchanged parts are shared with the original."""

from typing import Any


def merge(original: Any, patch: Any) -> Any:
    """The patched value; null removes a key."""
    if not isinstance(patch, dict):
        return patch
    result = dict(original) if isinstance(original, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result
