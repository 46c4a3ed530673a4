"""Workloads and their exact counts, from a trained run, a description or a NIR graph."""
