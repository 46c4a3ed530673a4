"""Network descriptions, which can be priced without training: layer sizes, steps, firing rates, batch."""

from neurorec.hardware.workload.description.described import described_work
from neurorec.hardware.workload.description.network_card import Description, load_description

__all__ = ["Description", "described_work", "load_description"]
