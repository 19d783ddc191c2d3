"""The demo company: made through the same services that people use."""
