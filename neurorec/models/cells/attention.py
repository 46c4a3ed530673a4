"""Attention (Bahdanau et al. 2015) in the multiplicative form of Luong et al. (2015): a look back at all that was read."""

from typing import ClassVar, NamedTuple

import torch
from torch import Tensor, nn

from neurorec.basics.capabilities import capabilities
from neurorec.basics.errors import InputError
from neurorec.basics.numbers import Gain
from neurorec.models.cell import Cell, CellCard, StepOperations, cells, draw_normal

NEVER = -1e9  #: score of what is not attended to


class AttentionCard(CellCard):
    input_gain: Gain


class AttentionState(NamedTuple):
    memory: Tensor  #: [B, S H] what was sent in each of S steps of reading; [B, H] zeros before anything was read
    read: Tensor  #: [B, S H] 1 in those steps, 0 after the end of shorter samples


@cells.register("attention")
class Attention(Cell):
    """H units that send a weighted mean of what H others sent in each step of reading (`models/encoder_decoder.py`). Without
    anything to remember, the mean is the query itself."""

    Card = AttentionCard
    title = "attention"
    output_signal = "values"
    needs = capabilities("attention")
    equations = (
        "q_t = W_in x_t;   a_ts = softmax over s of q_t . m_s, for what was read, m_s;   c_t = sum over s of a_ts m_s"
    )
    sources = ("bahdanau2015", "luong2015")
    example: ClassVar = {"input_gain": 1.0}
    card: AttentionCard

    def __init__(self, card: AttentionCard, input_size: int) -> None:
        super().__init__(card, input_size)
        self.w_in = nn.Parameter(torch.zeros(card.size, input_size))

    def reset_parameters(self, generator: torch.Generator) -> None:
        draw_normal(self.w_in, self.card.input_gain, generator)

    def initial_state(self, batch: int) -> AttentionState:
        return AttentionState(self._zeros(batch), self._zeros(batch))

    def remember(self, sent: Tensor, lengths: Tensor) -> AttentionState:
        """The state that holds what was sent [T, B, H] by samples of these lengths. Raises `InputError` for another H."""
        T, B, units = sent.shape
        if units != self.size:
            raise InputError(f"attention to {units} units needs the size {units} (got {self.size})")
        read = (torch.arange(T, device=lengths.device) < lengths[:, None]).to(sent.dtype)
        return AttentionState(sent.transpose(0, 1).reshape(B, T * units), read.repeat_interleave(units, 1))

    def weights(self, state: AttentionState, x: Tensor) -> Tensor:
        """a [B, S] for x [B, I]."""
        return self._weights(state, nn.functional.linear(x, self.w_in))

    def _weights(self, state: AttentionState, question: Tensor) -> Tensor:
        match = torch.einsum("bsh,bh->bs", state.memory.unflatten(1, (-1, self.size)), question)
        return match.masked_fill(state.read[:, :: self.size] == 0, NEVER).softmax(1)

    def step(self, state: AttentionState, x: Tensor) -> tuple[Tensor, AttentionState]:
        question = nn.functional.linear(x, self.w_in)
        memory, nothing = state.memory.unflatten(1, (-1, self.size)), (state.read == 0).all(1, keepdim=True)
        found = torch.einsum("bs,bsh->bh", self._weights(state, question), memory)
        return torch.where(nothing, question, found), state

    def operations(self) -> StepOperations:
        """Those of the query; the work of looking back depends on what was read, and no chip is priced for it."""
        return StepOperations(
            input_fan_out=self._dense(self.input_size, self.size),
            recurrent_fan_out=self._dense(self.size, 0),
            recurrent_signal="values",
            neuron_updates=self.size,
            elementwise=0,
            nonlinearities=0,
            state_values=0,
            tape_values=self.size,
        )
