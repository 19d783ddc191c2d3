"""Runs recorded scheduling cases through an engine and compares what it decides with what was recorded."""
