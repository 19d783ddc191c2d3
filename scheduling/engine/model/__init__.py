"""The world as the engine sees it: plain values, built once per cycle, never changed by it."""
