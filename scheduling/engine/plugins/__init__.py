"""The rules of the scheduler, one file each. catalog.py lists them."""
