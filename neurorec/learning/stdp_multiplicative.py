"""STDP with multiplicative weight dependence."""

from dataclasses import replace

from neurorec.learning.rule import rules
from neurorec.learning.stdp import STDP


@rules.register("stdp_multiplicative")
class MultiplicativeSTDP(STDP):
    """As `stdp`, but gains are proportional to the distance from `weight_max`, and losses to the weight itself, so that
    weights do not gather at their bounds (van Rossum, Bi & Turrigiano 2000; Morrison et al. 2008)."""

    title = "multiplicative STDP"
    sources = ("vanrossum2000", "morrison2008")
    events = replace(
        STDP.events,
        on_pre="w = clip(w - depression * y_post * w / weight_max, 0, weight_max)",
        on_post="w = clip(w + potentiation * (x_pre - (x_pre + trace_target) * w / weight_max), 0, weight_max)",
    )
