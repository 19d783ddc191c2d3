"""What Kubernetes adds to the language: functions on texts and lists. Pure; a quantity, an address or a version is passed as its canonical text."""
