"""How the silicon checks are shown."""
