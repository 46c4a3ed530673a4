"""Pair-based STDP with all-to-all traces, after Diehl & Cook (2015)."""

from neurorec.basics.numbers import Gain, PositiveGain, TimeMs
from neurorec.engines.event_equations import EventEquations
from neurorec.learning.event_rule import EventRule, EventRuleCard
from neurorec.learning.rule import rules


class STDPCard(EventRuleCard):
    potentiation: PositiveGain  #: weight gained at a neuron's spike, per unit of the input trace
    depression: Gain  #: weight lost at an input spike, per unit of the neuron's trace
    tau_pre_ms: TimeMs  #: decay of the input trace: how long before a spike an input counts as its cause
    tau_post_ms: TimeMs  #: decay of the neuron's trace
    trace_target: Gain  #: input trace at which a neuron's spike leaves the weight unchanged; below, it decreases


@rules.register("stdp")
class STDP(EventRule):
    """Every pair of spikes counts; weights are clipped at their bounds."""

    Card = STDPCard
    title = "STDP"
    sources = ("diehl2015", "brian2")
    events = EventEquations(
        input_state="dx/dt = -x / tau_pre : 1",
        neuron_state="dy/dt = -y / tau_post : 1",
        at_input_spike="x += 1",
        at_neuron_spike="y += 1",
        on_pre="w = clip(w - depression * y_post, 0, weight_max)",
        on_post="w = clip(w + potentiation * (x_pre - trace_target), 0, weight_max)",
    )
