"""What the work costs on a chip: energy with a band, latency, and what no source prices."""
