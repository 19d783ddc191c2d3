"""The functions behind the template tags, by noun."""
