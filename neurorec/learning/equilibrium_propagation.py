"""Equilibrium propagation: a free phase, and phases in which the outputs are nudged (Scellier & Bengio 2017)."""

from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from neurorec.basics.capabilities import capabilities
from neurorec.basics.counts import Counts, ForwardPass, LayerCounts, Store, TrainingCounts
from neurorec.basics.errors import CannotRun
from neurorec.basics.numbers import PositiveGain, Repeats
from neurorec.learning.descent import Descent, DescentCard, check_loss
from neurorec.learning.gradient_counts import gradient_stores, update_counts
from neurorec.learning.nudging import Nudging, hidden_nudged, readout_nudged
from neurorec.learning.rule import Info, Judgement, Messages, Rule, hidden_layer, network_why_not, rules
from neurorec.learning.synapses import Synapses
from neurorec.models.cells.continuous_hopfield import ContinuousHopfield
from neurorec.models.network import Network
from neurorec.models.readout import Readout
from neurorec.models.wires import INPUT
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Task


class EquilibriumPropagationCard(DescentCard):
    nudging: Literal["positive", "symmetric"]  #: one nudged phase, or a second one away from the targets
    strength: PositiveGain  #: beta
    nudged_steps: Repeats  #: of each nudged phase, which starts where the free phase ended
    unequal_phases: bool = False  #: control: the nudged phases of each sample end after random numbers of steps
    three_valued_errors: bool = False  #: control: outputs are pushed by errors of only three values


@dataclass
class NudgingState:
    descent: Descent
    objective: Objective
    draws: torch.Generator | None = None  #: of the ends of nudged phases
    rounding: torch.Generator | None = None  #: of errors, to three values


@rules.register("equilibrium_propagation")
class EquilibriumPropagation(Rule):
    """Adam on the gradient that contrasts two equilibria.

    The free phase is the network's run on a sample; its last step is the answer. In a nudged phase units descend E + beta L
    instead of the energy E: the outputs push them with -beta dL/dh. As beta -> 0, the contrast of the two equilibria becomes
    the gradient of L at the fixed point, which is that of backpropagation through all steps of a network that has settled
    (Ernoult et al. 2019); it errs by O(beta), or by O(beta^2) with symmetric nudging (Laborieux et al. 2021).

    With the readout `units`, outputs are themselves units of the energy. A linear readout is not part of it, as in Laborieux
    et al.: it learns by the delta rule, and its transposed weights push the units.
    """

    Card = EquilibriumPropagationCard
    title = "equilibrium propagation"
    sources = ("scellier2017", "laborieux2021", "ernoult2019", "kingma2015")
    equations = (
        "-dL/dw_ji = <h_j h_i>_beta / beta - <h_j h_i>_0 / beta, for input x_i and bias alike;\n"
        "symmetric: (<h_j h_i>_beta - <h_j h_i>_-beta) / (2 beta);   <>_beta: where h = f(W h + W_in x + b - beta dL/dh);\n"
        "readout: -dL/dw_kj = -<dL/dy_k h_j>_0"
    )
    signal = "errors"
    sees = ("pre", "post", "modulator")
    reaches = "in nudged phases, in which the errors push the outputs and spread through the network's own weights"
    needs = capabilities("product update")
    relative_time = 1.0
    messages = Messages(
        errors=False, signals="one", online=False, sources=("scellier2017",),
        why="a weight changes with the values of its own two units, which errors shift through the network's own connections; "
        "all synapses must know the sign of the phase",
    )  # fmt: skip
    order_free = True
    scored_each_epoch = True
    reports = ("nudged",)
    interventions: ClassVar = {
        "desynchronised phases": {"unequal_phases": True},
        "quantised messages": {"three_valued_errors": True},
    }
    card: EquilibriumPropagationCard

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        reason = network_why_not(model, layers=1)
        if reason is not None:
            return reason
        if not isinstance(hidden_layer(model), ContinuousHopfield):
            return "it contrasts minima of an energy, which only symmetric connections have; use the cell continuous_hopfield"
        readout = model[model.output]
        if not isinstance(readout, Readout) or readout.rate != 1 or not all(wire.plain for wire in model.wires):
            return "its readout has a time constant or a feedback wire, but nudging acts on the answer of a single step"
        if any(wire.source == INPUT for wire in model.wires_into(model.output)):
            return "its readout hears the input through weights that are not part of the energy; remove that wire"
        return None

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        reason = super().why_not_task(task)
        if reason is not None:
            return reason
        if not task.objective.pooled or task.objective.of_density:
            return "it settles to one answer per sample, but this task needs several; use bptt or eprop"
        frames = len(task.split("train").x)
        if frames > 1:
            return (
                f"it settles to a fixed point that depends only on one constant input, but samples of task {task.name} have "
                f"{frames} frames; present them all at once, as frame_digits does with the frames of row_digits"
            )
        return None

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        return (
            Judgement("relaxed", "errors spread by the same nonlinear dynamics that gave the answer"),
            Judgement("relaxed", "no derivative is computed, except that of the loss for the outputs"),
            Judgement("kept", "two units have the same weight in both directions, and errors use the backward one"),
            Judgement(
                "partly",
                "a free phase alternates with nudged ones, and synapses must know their sign; but each lasts until the network "
                "has settled, so none needs a precise clock",
            ),
            Judgement(
                "kept", "units send real values, and the difference between two equilibria requires precise ones"
            ),
            Judgement("kept", "every sample needs its target, towards which outputs are nudged"),
        )

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, nudged: int = 0
    ) -> TrainingCounts:
        """`nudged`: steps of nudged phases, summed over samples; the drive from the input stays as it is in them. Products at
        two equilibria of every sample are added to the gradients. `weight_updates`: steps of Adam."""
        ((name, cell),) = model.hidden.items()
        backward = LayerCounts({name: hidden_nudged(model, nudged), model.output: readout_nudged(model, nudged)})
        products = LayerCounts(
            {name: _contrast(cell, 2 * samples_seen), model.output: _delta_rule(model, samples_seen)}
        )
        update = products + update_counts(model, weight_updates, "adam", clipped=True)
        held = Store(name, "trace", 2 * cell.size)  # the free equilibrium, and the drive from the input
        stores = (*gradient_stores(model, 0, "adam"), held)
        return cls.counted(forward, samples_seen, backward, update, stores, weight_updates, model.parameter_count)

    def init(self, model: Any, engine: Any, objective: Objective, generator: torch.Generator) -> NudgingState:
        draws, rounding = (
            torch.Generator().manual_seed(generator.initial_seed()) if wanted else None
            for wanted in (self.card.unequal_phases, self.card.three_valued_errors)
        )
        return NudgingState(Descent.of(model, self.card), objective, draws, rounding)

    def step(self, model: Network, state: NudgingState, batch: Batch) -> tuple[NudgingState, Info]:
        """One step of Adam. Raises `RunFailed` if the loss is not finite."""
        loss = self.gradient(model, state.objective, batch, state.draws, state.rounding)
        value = check_loss(loss, self.card)
        state.descent.follow(self.card)
        phases = 2 if self.card.nudging == "symmetric" else 1
        return state, Info(value, 1, {"nudged": batch.size * phases * self.card.nudged_steps})

    @staticmethod
    def change(synapses: Synapses) -> Tensor:
        """The modulator is the sign of the phase over the distance between the phases."""
        return synapses.modulator * (synapses.post.T @ synapses.pre) / len(synapses.pre)

    @torch.no_grad()
    def gradient(
        self, model: Network, objective: Objective, batch: Batch, draws: torch.Generator | None = None,
        rounding: torch.Generator | None = None,
    ) -> Tensor:  # fmt: skip
        """The loss; its gradient by equilibrium propagation is stored in `grad` of every trained number.

        Raises
        ------
        CannotRun
            If answers are not scored in the last step only.
        """
        if len(batch.x) == 1 or batch.mask[:-1].any():
            raise CannotRun(
                "equilibrium propagation: the answer must count in the last of many steps of constant input, when the network "
                'has settled; use the encoder "held"'
            )
        cell: Any = hidden_layer(model)
        x, beta = batch.x[-1], self.card.strength
        nudging = Nudging(model, objective, batch, rounding, draws)
        free = cell(batch.x)[1].h
        ahead = nudging.settle(free, beta, self.card.nudged_steps)
        symmetric = self.card.nudging == "symmetric"
        behind = nudging.settle(free, -beta, self.card.nudged_steps) if symmetric else free
        distance = 2 * beta if symmetric else beta
        weight, ones = torch.cat([cell.w_in, cell.bias[:, None], cell.w_rec], 1), torch.ones_like(x[:, :1])
        ahead, behind = (
            self.changed(weight, pre=torch.cat([x, ones, h], 1), post=h, modulator=sign / distance)
            for sign, h in ((1, ahead), (-1, behind))
        )
        by_input, by_bias, by_units = (ahead + behind).split([cell.input_size, 1, cell.size], 1)
        cell.w_in.grad, cell.bias.grad = -by_input, -by_bias[:, 0]
        # both directions share the weight (w_ij + w_ji) / 2
        cell.w_rec.grad = by_units.clone().fill_diagonal_(0) / -2 if cell.w_rec.requires_grad else None
        loss, error = nudging.error(free)
        readout = model[model.output]
        if readout.trained:
            weight = torch.cat([readout.weight, readout.bias[:, None]], 1)
            by_error = self.changed(weight, pre=torch.cat([free, ones], 1), post=-error, modulator=1.0)
            readout.weight.grad, readout.bias.grad = -by_error[:, :-1], -by_error[:, -1]
        return loss


def _contrast(cell: Any, equilibria: int) -> Counts:
    """Products at every synapse, added to its gradient with the sign of the phase; a bias has one end."""
    recurrent = int(cell.operations().recurrent_fan_out.sum())
    synapses = cell.size * cell.input_size + recurrent
    lines = cell.input_size + bool(recurrent) * cell.size
    return Counts(
        macs=equilibria * synapses, dense_macs=equilibria * synapses,
        elementwise=equilibria * 2 * cell.size,  # values over the distance; biases
        activation_reads=equilibria * lines,
        gradient_reads=equilibria * (synapses + cell.size), gradient_writes=equilibria * (synapses + cell.size),
    )  # fmt: skip


def _delta_rule(model: Network, samples: int) -> Counts:
    readout = model[model.output]
    if not readout.trained:
        return Counts()
    synapses, biases = samples * readout.size * readout.input_size, samples * readout.size
    return Counts(
        macs=synapses, dense_macs=synapses, elementwise=biases, activation_reads=samples * readout.input_size,
        gradient_reads=synapses + biases, gradient_writes=synapses + biases,
    )  # fmt: skip
