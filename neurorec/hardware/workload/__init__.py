"""What is to be done: exact counts of a trained run, a description or a NIR graph."""
