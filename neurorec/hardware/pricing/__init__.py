"""The cost of a workload on a chip: energy with a band, latency, and terms without a price."""
