"""Voltage-based STDP (Clopath et al. 2010) for integrate-and-fire neurons."""

from neurorec.basics.numbers import Gain, PositiveGain, Potential, TimeMs
from neurorec.engines.event_equations import EventEquations
from neurorec.learning.event_rule import EventRule, EventRuleCard
from neurorec.learning.rule import rules


class ClopathCard(EventRuleCard):
    potentiation: PositiveGain  #: weight gained at a neuron's spike, per unit of x and of depolarization
    depression: Gain  #: weight lost at an input spike, per unit of depolarization
    depolarized: Potential  #: theta-: filtered potential above which weights change
    spike_rise: Gain  #: what a spike adds to both filtered potentials, since v itself has no upstroke
    tau_pre_ms: TimeMs  #: decay of the input trace
    tau_low_ms: TimeMs  #: filter of the potential that depression reads, u-
    tau_high_ms: TimeMs  #: filter of the potential that potentiation reads, u+


@rules.register("clopath")
class Clopath(EventRule):
    """Weights change with the neuron's filtered potential instead of its spikes: an input spike weakens the synapses of a
    depolarized neuron, and a spike of a neuron that was already depolarized strengthens recently active ones.

    In the paper potentiation is continuous while the potential exceeds theta+, above the threshold; here that is the spike
    itself, whose area is part of `potentiation`. The paper's homeostatic factor of depression is left out: adaptive
    thresholds and normalised weights take its place, as for every rule of events here.
    """

    Card = ClopathCard
    title = "voltage-based STDP"
    sources = ("clopath2010",)
    events = EventEquations(
        input_state="dx/dt = -x / tau_pre : 1",
        neuron_state="du_low/dt = (v - u_low) / tau_low : 1\ndu_high/dt = (v - u_high) / tau_high : 1",
        at_input_spike="x += 1",
        after_neuron_spike="u_low += spike_rise\nu_high += spike_rise",
        on_pre="w = clip(w - depression * clip(u_low_post - depolarized, 0, 1000000), 0, weight_max)",
        on_post="w = clip(w + potentiation * x_pre * clip(u_high_post - depolarized, 0, 1000000), 0, weight_max)",
    )
