"""Expressions of the Common Expression Language in definitions and webhooks: checked when written, evaluated at every write."""
