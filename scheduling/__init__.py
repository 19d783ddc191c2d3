"""The scheduler: a pure engine and the thin Django side around it."""
