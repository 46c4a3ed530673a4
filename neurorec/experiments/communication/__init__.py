"""Studies of the kind "communication": networks are trained and observed, then counted and priced for many workers."""
