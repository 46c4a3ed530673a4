"""A network described in a few lines, priced without training: layer sizes, steps, firing rates, batch."""

from neurorec.hardware.workload.description.described_cost import describe_cost
from neurorec.hardware.workload.description.network_card import Description, load_description

__all__ = ["Description", "describe_cost", "load_description"]
