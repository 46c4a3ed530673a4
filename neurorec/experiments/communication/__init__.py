"""Studies of the kind "communication": nets are trained and watched, then counted and priced for any number of workers."""
