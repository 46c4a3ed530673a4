"""E-prop: eligibility traces at the synapses, and output errors broadcast to the neurons (Bellec et al. 2020)."""

from typing import Any, Self

from pydantic import model_validator

from neurorec.basics.numbers import Share
from neurorec.learning.broadcast_rule import BroadcastRule
from neurorec.learning.descent import DescentCard
from neurorec.learning.feedback_weights import Feedback
from neurorec.learning.rule import OBJECTIONS, Judgement, Messages, rules


class EPropCard(DescentCard):
    feedback: Feedback
    """Feedback weights B: those of the readout itself; random and fixed; or random at the start, then learned."""
    feedback_decay: Share | None = None
    """Adaptive: share that feedback weights and readout weights lose per update. As both change alike, their initial difference
    disappears (Kolen & Pollack 1994)."""

    @model_validator(mode="after")
    def _decay_belongs_to_learned_feedback(self) -> Self:
        if (self.feedback == "adaptive") != (self.feedback_decay is not None):
            raise ValueError('feedback_decay belongs to feedback = "adaptive": give both, or neither')
        return self


#: judgement of the third objection by kind of feedback
WAYS_BACK: dict[Feedback, Judgement] = {
    "symmetric": Judgement("kept", "feedback weights are the transposed readout weights"),
    "random": Judgement("relaxed", "feedback weights are random, fixed, and independent of the readout's"),
    "adaptive": Judgement(
        "partly", "feedback weights are never copied, but receive the same changes and decay as the readout weights"
    ),
}


@rules.register("eprop")
class EProp(BroadcastRule):
    """Forward in time with traces per synapse and without a tape: memory grows with B H L (L lines into H neurons), not with T.

    e_ji is the exact derivative of neuron j's spike with respect to its weight w_ji through j's own state, with a surrogate
    for the spike's derivative and the reset's spike detached (`traced_step` of the cell). The gradient omits the effect of
    j's spike on other neurons, and on itself through its own synapse: the paths dz_k(t+1)/dz_j(t) through W_rec (and
    through layers above). Without recurrent weights nothing is omitted, and the gradient is that of BPTT.

    An answer is the mean output over some steps: all masked steps of a sample, or those of one frame. The filtered
    eligibilities are averaged over the same steps; when the answer is complete, its error dL/dy reaches every neuron as
    L_j = sum_k B_jk dL/dy_k and turns the average into a weight change. The error is thus needed once per answer, at its end.
    Adam turns the changes into updates, with moments stored at the synapse; only the norm used for clipping is global.
    Learned feedback weights receive the same changes as the readout weights, from the same error and the same activity.
    """

    Card = EPropCard
    title = "e-prop"
    sources = ("bellec2020", "kolen1994", "kingma2015")
    equations = (
        "dL/dw_ji = sum over answers of L_j <F(e_ji)>;   L_j = sum over k of B_jk dL/dy_k;\n"
        "e_ji(t) = dz_j(t)/dw_ji through j's own state;   F: the readout's filter;   <>: the mean over the answer's steps"
    )
    messages = Messages(
        errors=False, signals="outputs", online=False, sources=("bellec2020",),
        why="every unit j needs L_j(t) = sum over outputs k of B_jk (y_k - y*_k): the O output errors are broadcast, B is "
        "symmetric, random or learned but local; eligibility traces stay where they are",
    )  # fmt: skip
    card: EPropCard

    @property
    def feedback(self) -> Feedback:
        return self.card.feedback

    def titled(self, model: Any) -> str:
        kind = "" if self.feedback == "symmetric" else f", {self.feedback} feedback"
        return f"{self.title_for(model)}{kind}"

    def judged(self, model: Any) -> tuple[Judgement, ...]:
        found = dict(zip(OBJECTIONS, self.judgements(model), strict=True))
        found["weights of the forward paths"] = WAYS_BACK[self.feedback]
        return tuple(found.values())

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        spiking = model.spikes
        return (
            Judgement(
                "partly",
                "nothing is propagated back through layers or steps; one linear map carries output errors to neurons",
            ),
            Judgement("partly", "each neuron uses a surrogate for the derivative of its own spike")
            if spiking
            else Judgement("kept", "each unit uses the exact derivative of its own nonlinearity"),
            Judgement(
                "partly",
                "feedback weights are the transposed readout weights (symmetric), independent of them (random), or learned "
                "alongside them without being copied (adaptive)",
            ),
            Judgement(
                "partly",
                "traces are updated during the forward pass and there is no backward pass; but an error exists only when an "
                "answer is given, so weights change at the end of a sample or frame, which needs a boundary signal",
            ),
            Judgement("partly", "neurons send spikes, but output errors are broadcast as real values")
            if spiking
            else Judgement("kept", "units send real values, and output errors are broadcast as such"),
            Judgement("kept", "every answer needs its target"),
        )
