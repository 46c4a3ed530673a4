"""Direct feedback alignment through time: output errors reach every layer through random weights (Nøkland 2016)."""

from typing import Any

from neurorec.learning.broadcast_rule import BroadcastRule
from neurorec.learning.descent import DescentCard
from neurorec.learning.feedback_weights import Feedback
from neurorec.learning.rule import Judgement, Messages, rules


@rules.register("direct_feedback_alignment")
class DirectFeedbackAlignment(BroadcastRule):
    """Over time, an error meets the eligibilities of the units' own pasts. In a network of one layer this is e-prop with random
    feedback; in a deep one, errors also reach layers that the readout does not hear, past the layers between, whose effect on
    the signals of lower layers, such as a delay, is left out."""

    Card = DescentCard
    title = "direct feedback alignment"
    sources = ("nokland2016", "bellec2020", "kingma2015")
    equations = (
        "dW_ji ~ sum over answers of L_j <F(e_ji)>;   L_j = sum over k of B_jk dL/dy_k, B random and fixed, one per layer;\n"
        "e_ji(t) = dz_j(t)/dw_ji through j's own state;   F: the readout's filter;   <>: the mean over the answer's steps"
    )
    messages = Messages(
        errors=False, signals="outputs", online=False, sources=("nokland2016", "bellec2020"),
        why="the O output errors are broadcast to all layers, which weight them by their own random numbers",
    )  # fmt: skip
    feedback: Feedback = "random"  # type: ignore[assignment]
    reaches_every_layer = True
    card: DescentCard

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        spiking = model.spikes
        return (
            Judgement(
                "partly",
                "nothing is propagated back through layers or steps; one linear map carries output errors to units",
            ),
            Judgement("partly", "each neuron uses a surrogate for the derivative of its own spike")
            if spiking
            else Judgement("kept", "each unit uses the exact derivative of its own nonlinearity"),
            Judgement("relaxed", "feedback weights are random, fixed, and independent of all forward weights"),
            Judgement(
                "partly",
                "there is no backward pass, but an error exists only when an answer is given, so weights change at the end "
                "of a sample or frame, which needs a boundary signal",
            ),
            Judgement("partly", "neurons send spikes, but output errors are broadcast as real values")
            if spiking
            else Judgement("kept", "units send real values, and output errors are broadcast as such"),
            Judgement("kept", "every answer needs its target"),
        )
