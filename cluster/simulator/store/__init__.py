"""Objects, their versions and their history; knows no HTTP."""
