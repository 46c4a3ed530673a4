"""Truncated backpropagation through time: errors return only to the start of their window."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, ClassVar, Literal

import torch
from torch import Tensor

from neurorec.basics.counts import ForwardPass, LayerCounts, TrainingCounts
from neurorec.basics.errors import CannotRun
from neurorec.basics.numbers import Count
from neurorec.engines.engine import Engine
from neurorec.learning.bptt import BPTT, BPTTCard, BPTTState
from neurorec.learning.descent import check_loss
from neurorec.learning.gradient_counts import backward_counts, gradient_stores, update_counts
from neurorec.learning.rule import Info, Judgement, network_why_not, rules
from neurorec.models.network import Network
from neurorec.models.running import NetworkState
from neurorec.models.starts import given_start
from neurorec.tasks.objective import Objective
from neurorec.tasks.task import Batch, Task


class TruncatedBPTTCard(BPTTCard):
    truncation_frames: Count  #: frames per window; errors are not propagated from one window into the one before
    update: Literal["per window", "per batch"]
    """When weights change: after each window, by the loss of its own frames, as a training loop with detached states does; or
    after the whole batch, by the loss of all frames."""


class Window:
    """Part of the steps of a batch, and where its run starts and ends."""

    def __init__(self, batch: Batch, begin: int, end: int) -> None:
        self.begin, self.end, each = begin, end, batch.steps_per_frame
        lengths = None if batch.lengths is None else (batch.lengths - begin).clamp(0, end - begin)
        target = batch.target
        if batch.per_frame and target is not None:
            target = target[begin // each : end // each]
        self.batch = replace(batch, x=batch.x[begin:end], mask=batch.mask[begin:end], lengths=lengths, target=target)
        self.answered = bool(self.batch.mask.any())

    @property
    def steps(self) -> int:
        """Summed over samples."""
        return len(self.batch.x) * self.batch.size if self.batch.lengths is None else int(self.batch.lengths.sum())

    @property
    def started(self) -> int:
        """Samples that do not end before the window."""
        return self.batch.size if self.batch.lengths is None else int((self.batch.lengths > 0).sum())


@rules.register("truncated_bptt")
class TruncatedBPTT(BPTT):
    """BPTT in windows of equal length: a window starts from the state that the last one left, as a constant.

    With an update per batch, the loss is that of BPTT, and the tape holds all windows with answers, since every output may
    affect the loss. With an update per window it holds one window; the regulariser then applies to the rates of each window.
    Windows without answers are only run forward, unless their rates are regularised. With windows as long as the sample,
    this is BPTT.
    """

    Card = TruncatedBPTTCard
    title = "truncated BPTT"
    sources = ("williams1990", "neftci2019", "kingma2015")
    equations = (
        "dL/dW = sum over t of dL/dh_t dh_t/dW, through earlier steps of the same window only;\n"
        "spikes have a surrogate derivative"
    )
    order_free = True
    reports: ClassVar = ("steps_back", "windows_back", "tape_steps")
    card: TruncatedBPTTCard  # type: ignore[assignment]

    @classmethod
    def title_for(cls, model: Any) -> str:
        return "truncated surrogate BPTT" if model.spikes else cls.title

    @classmethod
    def why_not(cls, model: Any) -> str | None:
        return network_why_not(model) or super().why_not(model)

    @classmethod
    def why_not_task(cls, task: Task) -> str | None:
        if task.objective.of_density:
            return "its loss needs whole samples, but this rule cuts them into windows; use bptt"
        return super().why_not_task(task)

    @classmethod
    def judgements(cls, model: Any) -> tuple[Judgement, ...]:
        clocked = Judgement("kept", "a backward pass over the window alternates with the forward pass")
        return (*super().judgements(model)[:3], clocked, *super().judgements(model)[4:])

    @classmethod
    def count_training(
        cls, model: Any, forward: ForwardPass, samples_seen: int, weight_updates: int, *, steps_back: int,
        windows_back: int, tape_steps: int,
    ) -> TrainingCounts:  # fmt: skip
        """As BPTT, for the steps of windows with a backward pass.

        Parameters
        ----------
        steps_back : steps of these windows, summed over samples; in the first step of each, errors pass no recurrent synapse
        windows_back : these windows, summed over samples; a learned initial state is counted in all of them
        tape_steps : steps of all samples that were held for each update, summed over updates
        """
        starts = round(windows_back * forward.sample_steps / max(1, steps_back))
        ran = {name: forward.of(name)._replace(starts=starts) for name in model.layers}
        backward = backward_counts(model, replace(forward, ran=ran)).scaled(steps_back, max(1, forward.sample_steps))
        update: LayerCounts = update_counts(model, weight_updates, "adam", clipped=True)
        stores = gradient_stores(model, -(-tape_steps // max(1, weight_updates)), "adam")
        return cls.counted(forward, samples_seen, backward, update, stores, weight_updates, model.parameter_count)

    def init(self, model: Network, engine: Engine, objective: Objective, generator: torch.Generator) -> BPTTState:
        """Raises `CannotRun` for updates per window if there is only one answer per sample, or as BPTT does."""
        if objective.pooled and self.card.update == "per window":
            raise CannotRun('update = "per window" needs targets in every frame; set it to "per batch"')
        return super().init(model, engine, objective, generator)

    def step(self, model: Network, state: BPTTState, batch: Batch) -> tuple[BPTTState, Info]:
        """Windows one after another; one step of Adam for each, or one for all.

        Raises
        ------
        RunFailed
            If the loss is not finite.
        """
        back = [window for window in self._windows(batch) if self._goes_back(window, model)]
        held = [window.end - window.begin for window in back]
        more = {
            "steps_back": sum(window.steps for window in back),
            "windows_back": sum(window.started for window in back),
            "tape_steps": sum(held) * batch.size,
        }
        if self.card.update == "per batch":
            state, info = super().step(model, state, batch)
            return state, replace(info, more=more)
        losses = [check_loss(loss, self.card) for loss in self._followed(model, state, batch)]
        return state, Info(loss=sum(losses) / max(1, len(losses)), updates=len(losses), more=more)

    def _followed(self, network: Network, state: BPTTState, batch: Batch) -> Iterator[Tensor]:
        """The loss of each window with answers, after which weights change."""
        for window, sent in self._run(network, state, batch):
            if not self._goes_back(window, network):
                continue
            state.descent.optimizer.zero_grad(set_to_none=True)
            loss = torch.as_tensor(self._rate_loss(network, sent, window.steps / batch.size))
            if window.answered:
                answers = state.objective.answers(sent[network.output], window.batch)
                loss = state.objective.loss(answers, window.batch) + loss
            yield loss
            loss.backward()
            state.descent.follow(self.card)

    def _loss(self, network: Network, state: BPTTState, batch: Batch) -> Tensor:
        if len(self._windows(batch)) == 1:
            return super()._loss(network, state, batch)
        parts: dict[str, list[Tensor]] = {name: [] for name in network.layers}
        for _, sent in self._run(network, state, batch):
            for name, values in parts.items():
                values.append(sent[name])
        whole = {name: torch.cat(values) for name, values in parts.items()}
        answers = state.objective.answers(whole[network.output], batch)
        steps = len(batch.x) if batch.lengths is None else float(batch.lengths.sum()) / batch.size
        return state.objective.loss(answers, batch) + self._rate_loss(network, whole, steps)

    def _run(self, network: Network, state: BPTTState, batch: Batch) -> Iterator[tuple[Window, dict[str, Tensor]]]:
        """What layers sent in each window, [T, B, H] by name."""
        forced, now = self._forced(network, state.objective, batch), given_start(network, batch.start)
        for window in self._windows(batch):
            told = {name: values[window.begin : window.end] for name, values in forced.items()}
            with torch.set_grad_enabled(self._goes_back(window, network)):
                sent, after = state.engine.sent_and_state(network, window.batch, told, now)
            yield window, dict(sent)
            now = NetworkState(
                {name: type(parts)(*(part.detach() for part in parts)) for name, parts in after.layers.items()},
                {wire: values.detach() for wire, values in after.delayed.items()},
            )

    def _windows(self, batch: Batch) -> list[Window]:
        T, size = len(batch.x), self.card.truncation_frames * batch.steps_per_frame
        return [Window(batch, begin, min(T, begin + size)) for begin in range(0, T, size)]

    def _goes_back(self, window: Window, network: Network) -> bool:
        return window.answered or self.card.regularises(network)

    def _rate_loss(self, network: Network, sent: dict[str, Tensor], steps: float) -> Tensor | float:
        return self.card.rate_loss({name: sent[name].sum(0) / steps for name in network.hidden}, network)
