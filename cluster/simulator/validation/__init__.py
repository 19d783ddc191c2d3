"""Rules every object obeys, and the value rules of custom resources. Pure."""
