"""REST of the organisation, by noun: the same queries and services as the pages."""
