"""STDP with nearest-neighbour pairing."""

from dataclasses import replace

from neurorec.learning.rule import rules
from neurorec.learning.stdp import STDP


@rules.register("stdp_nearest")
class NearestSTDP(STDP):
    """As `stdp`, but a spike pairs only with the last one at the other end, because traces are set to 1 instead of raised
    by 1 (symmetric nearest neighbours in Morrison et al. 2008)."""

    title = "nearest-neighbour STDP"
    sources = ("diehl2015", "morrison2008")
    events = replace(STDP.events, at_input_spike="x = 1", at_neuron_spike="y = 1")
