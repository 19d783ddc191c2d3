"""Benchmarks, printed as figures; not part of the tests."""
