"""Studies of the kind "silicon_validation": the hardware model against measured silicon."""
