"""Runs the whole product on one machine: parts, their order, their readiness and what happens when one dies."""
