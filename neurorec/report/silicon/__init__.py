"""The report of a silicon validation."""
