"""Tables: the columns in which `kubectl get` shows a kind."""
