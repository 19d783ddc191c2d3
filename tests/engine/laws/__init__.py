"""Laws of scheduling, checked on random worlds; and the engine against the plain reference on thousands of them."""
