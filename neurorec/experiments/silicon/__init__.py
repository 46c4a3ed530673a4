"""Studies of the kind "silicon_validation": the hardware model compared with measured silicon."""
