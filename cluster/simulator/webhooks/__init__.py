"""Admission webhooks: which are asked about a write, what they are asked, what their answers do."""
