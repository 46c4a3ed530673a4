"""From activity to joules: chip cards, operation counts, mapping, price. Counts, placement and prices stay apart."""
