"""STDP whose window is 1/interval, as in the lecture slides "Recurrent neural networks" (slide "Spike-timing-dependent
plasticity")."""

from neurorec.basics.numbers import Gain, PositiveGain
from neurorec.engines.event_equations import EventEquations
from neurorec.learning.event_rule import EventRule, EventRuleCard
from neurorec.learning.rule import rules

LONGEST_MS = 10**9


class InverseSTDPCard(EventRuleCard):
    potentiation: PositiveGain  #: weight gained 1 ms after an input spike
    depression: Gain  #: weight lost 1 ms after a neuron's spike


@rules.register("stdp_inverse")
class InverseSTDP(EventRule):
    """ "Synaptic change is inversely proportional to spike interval": strengthened if the input spike comes first, weakened
    if it comes last. Intervals shorter than a step count as one step, where 1/interval is singular.

    A sum over all earlier spikes would need every spike time, so only the last spike at the other end counts: each end
    remembers the time since its last spike, p and q in ms, and whether there was one in this sample.
    """

    Card = InverseSTDPCard
    title = "inverse-interval STDP"
    sources = ("morrison2008",)
    events = EventEquations(
        input_state="dp/dt = 1 / one_ms : 1\nheard : 1",
        neuron_state="dq/dt = 1 / one_ms : 1\nspiked : 1",
        at_input_spike="p = 0\nheard = 1",
        at_neuron_spike="q = 0\nspiked = 1",
        on_pre=f"w = clip(w - depression * spiked_post / clip(q_post, dt_ms, {LONGEST_MS}), 0, weight_max)",
        on_post=f"w = clip(w + potentiation * heard_pre / clip(p_pre, dt_ms, {LONGEST_MS}), 0, weight_max)",
    )
