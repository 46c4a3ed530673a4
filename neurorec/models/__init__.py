"""What is computed: cells, readouts, networks, energy models, and the pair cards in models/ at the top level."""

from neurorec.models import cells, energy, reservoirs

__all__ = ["cells", "energy", "reservoirs"]
