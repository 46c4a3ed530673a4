"""A made-up description to be varied."""

from neurorec.basics.cards import check_card
from neurorec.hardware.workload.description import Description


def made(**changes) -> Description:
    """A recurrent LIF net of 5 lines, 7 neurons and 3 readouts, 6 steps, every line spiking in half of them."""
    layers = [{"name": "hidden", "size": 7, "recurrent": True, "spikes_per_step": 0.5}, {"name": "readout", "size": 3}]
    data = {
        "about": "made up", "neuron": "lif", "steps": 6, "dt_ms": 1.0,
        "input": {"size": 5, "signal": "spikes", "spikes_per_step": 0.5}, "layer": layers,
    }  # fmt: skip
    return check_card(data | changes, Description, "made.toml")
