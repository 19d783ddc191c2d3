"""How fast the engine is on the recorded inputs, beside the figures of the reference scheduler (the anchor)."""
