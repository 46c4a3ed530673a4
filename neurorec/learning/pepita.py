"""PEPITA over time: a second forward pass, with the error added to its input, instead of a backward one (Dellaferrera & Kreiman
2022)."""

from typing import Any, Self

import torch
from pydantic import model_validator
from torch import Tensor

from neurorec.basics.counts import ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.numbers import PositiveGain
from neurorec.engines.engine import Engine
from neurorec.learning.broadcast_rule import ANSWER, BroadcastRule, BroadcastState
from neurorec.learning.descent import Descent, DescentCard
from neurorec.learning.feedback_weights import Feedback
from neurorec.learning.gradient_counts import gradient_stores, update_counts
from neurorec.learning.rule import Judgement, Messages, rules
from neurorec.learning.second_pass_counts import replayed, second_pass, tape_stores
from neurorec.learning.synapses import Synapses
from neurorec.learning.trace_counts import traces_of
from neurorec.learning.traced_run import TracedRun, add_weighted, answers_of, error_of
from neurorec.models.layer import draw_normal
from neurorec.models.network import Network
from neurorec.models.wires import INPUT
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective


class PepitaCard(DescentCard):
    feedback_gain: (
        PositiveGain  #: the O weights from the errors to an input line have a spread of feedback_gain / sqrt(O)
    )

    @model_validator(mode="after")
    def _rates_are_not_regularised(self) -> Self:
        if self.rate_weight:
            raise ValueError("rate_weight must be 0: PEPITA takes no derivatives, which the regulariser of rates needs")
        return self


@rules.register("pepita")
class Pepita(BroadcastRule):
    """In the second pass, the input is repeated with the error of the answer added to it, through random and fixed weights.
    What a unit did in the first pass, minus what it does now, takes the place of a backpropagated error.

    The source treats feed-forward networks; over time, this is its rule in every step of both passes, with recurrent synapses
    as further inputs, and with the error added until the answer of that frame or sample is complete. The input of a
    synapse is low-pass filtered where its unit filters it (`traced_step` of the cell), but not multiplied by a derivative.
    """

    Card = PepitaCard
    title = "PEPITA"
    sources = ("dellaferrera2022", "kingma2015")
    equations = (
        "dW_ji ~ -sum over t of (h_j(t) - h*_j(t)) x*_i(t), with h* and x* in the second pass, whose input is x(t) + F e;\n"
        "dW_ki ~ -e_k <x*_i> in the readout;   e = dL/dy of the sample;   F random and fixed;   <>: the mean over the answer's "
        "steps, after the readout's filter"
    )
    sees = ("pre", "post")
    reaches = "in the second pass, whose input is modulated by the errors through fixed random weights"
    messages = Messages(
        errors=False, signals="outputs", online=False, sources=("dellaferrera2022",),
        why="the O output errors are sent to the input lines; everything else moves forward, as activity does",
    )  # fmt: skip
    feedback: Feedback = "random"  # type: ignore[assignment]
    reaches_every_layer = True
    card: PepitaCard

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        adaptive = any("adaptive thresholds" in layer.needs for layer in model.hidden.values())
        return (
            Judgement(
                "relaxed",
                "nothing is propagated backward: errors are added to the input, and propagate forward with it",
            ),
            Judgement("partly", "only the trace of an adaptive threshold contains a surrogate derivative")
            if adaptive
            else Judgement("relaxed", "no derivative is taken: the difference between the two passes takes its place"),
            Judgement("relaxed", "the error reaches the input through random and fixed weights"),
            Judgement(
                "kept", "a second pass over all steps follows the first, whose activity must be stored for every step"
            ),
            Judgement("partly", "neurons send spikes, but in the second pass input lines carry real values")
            if model.spikes
            else Judgement("kept", "units send real values"),
            Judgement("kept", "every answer needs its target"),
        )

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> BroadcastState:
        readout = model[model.output]
        drawn = torch.zeros(model.input_size, readout.size, dtype=readout.weight.dtype)
        draw_normal(drawn, self.card.feedback_gain, generator)
        return BroadcastState(Descent.of(model, self.card), objective, {INPUT: drawn.T.to(readout.weight.device)})

    @torch.no_grad()
    def gradient(self, model: Network, state: BroadcastState, batch: Batch) -> Tensor:
        """The loss of the first pass; minus the changes are stored in `grad` of every trained number."""
        for parameter in model.parameters():
            parameter.grad = torch.zeros_like(parameter) if parameter.requires_grad else None
        first, run = model.run(batch.x, lengths=batch.lengths)[0], TracedRun(model, batch.size)
        loss, answers = torch.zeros((), device=batch.x.device), int(batch.frame_mask.sum())
        for answer in answers_of(batch, state.objective):
            means: dict[str, Tensor] = {}
            for t, weight in zip(answer.steps, answer.weights, strict=True):
                add_weighted(means, weight, {ANSWER: first[model.output][t]})
            part, error = (
                error_of(means[ANSWER], answer, state.objective) if answer.share else (0.0, 0.0 * means[ANSWER])
            )
            loss, heard = loss + part, {}
            pushed = error * (batch.size if state.objective.pooled else answers) @ state.feedback[INPUT]
            for t, weight in zip(answer.steps, answer.weights, strict=True):
                run.step(batch.x[t] + pushed)
                add_weighted(heard, weight, {model.output: run.filtered[model.output]})
                self._compare(run, {name: sent[t] for name, sent in first.items()}, batch, t)
            run.request(model.output, self.changed(run.weight(model.output), pre=heard[model.output], post=error))
        return loss

    def _compare(self, run: TracedRun, first: dict[str, Tensor], batch: Batch, t: int) -> None:
        """Changes of the hidden layers for one step of the samples that have not ended."""
        running = 1.0 if batch.lengths is None else (t < batch.lengths)[:, None]
        for name in run.hidden:
            moved = (first[name] - run.sent[name]) * running / batch.size
            run.request(name, self.changed(run.weight(name), pre=run.eligibility[name].du, post=moved))

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        """-(what the unit did minus what it does now) times what the synapse brings now; an output unit's error stands for the
        former."""
        post, pre = synapses.post, synapses.pre
        return -(post.T @ pre[:, 0]) if pre.shape[1] == 1 else -torch.einsum("bh,bhl->hl", post, pre)

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, feedback_weights: int = 0,
        feedback_changes: int = 0,
    ) -> TrainingCounts:  # fmt: skip
        """The second pass is counted with the activity of the first, but with values on all input lines, and an error in every
        step. Then, per step: F e and its sum with the input; differences; traces; one product per synapse. The input and what
        units sent are stored and read again. `feedback_weights`: summed over the updates; none of them changes."""
        readout, steps = model[model.output], max(1, weight_updates)
        backward = {name: second_pass(model, name, forward) for name in model.layers}
        batch = -(-samples_seen // steps)
        stores = gradient_stores(model, 0, "adam") + tape_stores(model, forward.steps * batch)
        stores += tuple(
            Store(name, "trace", words) for name, layer in model.hidden.items() if (words := traces_of(layer))
        )
        stores += (Store(replayed(model)[0], "weight", feedback_weights // steps),)
        if readout.rate != 1:
            stores += (Store(model.output, "trace", readout.input_size),)
        update = update_counts(model, weight_updates, "adam", clipped=True)
        return cls.counted(
            forward, samples_seen, forward.over(samples_seen, LayerCounts(backward)), update, stores, weight_updates,
            model.parameter_count,
        )  # fmt: skip
