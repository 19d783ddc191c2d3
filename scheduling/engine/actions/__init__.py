"""What a cycle does, one action after the other. catalog.py lists them."""
