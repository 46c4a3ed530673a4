"""Triplet STDP (Pfister & Gerstner 2006)."""

from neurorec.basics.numbers import Gain, TimeMs
from neurorec.engines.event_equations import EventEquations
from neurorec.learning.event_rule import EventRule, EventRuleCard
from neurorec.learning.rule import rules


class TripletSTDPCard(EventRuleCard):
    potentiation: Gain  #: A2+: weight gained at a neuron's spike, per unit of the input trace
    triplet_potentiation: Gain  #: A3+: the same, per unit of the trace of the neuron's earlier spikes
    depression: Gain  #: A2-: weight lost at an input spike, per unit of the neuron's trace
    triplet_depression: Gain  #: A3-: the same, per unit of the trace of the line's earlier spikes
    tau_pre_ms: TimeMs  #: tau+
    tau_post_ms: TimeMs  #: tau-
    tau_slow_pre_ms: TimeMs  #: tau_x
    tau_slow_post_ms: TimeMs  #: tau_y


@rules.register("triplet_stdp")
class TripletSTDP(EventRule):
    """All-to-all triplets: one spike at this end, one at the other, and earlier spikes at this end. The slow traces x2 and y2
    rise after the change, so a spike does not meet its own."""

    Card = TripletSTDPCard
    title = "triplet STDP"
    sources = ("pfister2006",)
    events = EventEquations(
        input_state="dx/dt = -x / tau_pre : 1\ndx2/dt = -x2 / tau_slow_pre : 1",
        neuron_state="dy/dt = -y / tau_post : 1\ndy2/dt = -y2 / tau_slow_post : 1",
        at_input_spike="x += 1\nx2 += 1",
        at_neuron_spike="y += 1",
        after_neuron_spike="y2 += 1",
        on_pre="w = clip(w - y_post * (depression + triplet_depression * x2_pre), 0, weight_max)",
        on_post="w = clip(w + x_pre * (potentiation + triplet_potentiation * y2_post), 0, weight_max)",
    )
