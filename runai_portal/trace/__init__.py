"""Replays the trace of a production cluster through the product."""
