"""What is computed: cells, readouts, networks, and the pair cards in models/ at the top level."""

from neurorec.models import cells, reservoirs

__all__ = ["cells", "reservoirs"]
