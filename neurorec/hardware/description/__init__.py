"""A network described in a few lines, priced without training: layer sizes, steps, firing rates, batch."""

from neurorec.hardware.description.card import Description, load_description
from neurorec.hardware.description.cost import describe_cost

__all__ = ["Description", "describe_cost", "load_description"]
