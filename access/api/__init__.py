"""REST of access, by noun: the same queries and services as the pages."""
