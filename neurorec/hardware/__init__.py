"""From activity to joules: chip cards, operation counts, placement and prices, each independent of the others."""
