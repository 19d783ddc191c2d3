"""Look and feel; knows no domain."""
