"""The report of a training study."""
