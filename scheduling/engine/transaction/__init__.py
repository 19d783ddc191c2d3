"""Try, look, undo: the working state of a cycle, changed only through operations that can be taken back."""
