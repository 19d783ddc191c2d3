"""The style guide: invented data, so that every component can be seen and tested in every state."""
