"""Affine contractions: what the lecture prints, and the distances that make them a memory."""

import itertools

import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.models.reservoirs.contractions import Contractions, ContractionsCard
from tests.hardware.nets import counts_of, make_net, run

CORNERS = torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 1]], dtype=torch.float64)


def contractions(ratio: float = 0.5, size: int = 2, symbols: int = 4) -> Contractions:
    cell = Contractions(ContractionsCard(name="contractions", size=size, ratio=ratio), symbols)
    cell.reset_parameters(torch.Generator())
    return cell.double()


def states(cell: Contractions, sequences) -> torch.Tensor:
    """[B, H] states after sequences [B, T] of symbols."""
    x = torch.nn.functional.one_hot(torch.as_tensor(sequences), cell.input_size).double()
    return cell(x.transpose(0, 1))[0][-1]


def test_a_step_goes_half_way_to_the_corner_of_the_symbol():
    x, sequence = torch.full((2,), 0.5, dtype=torch.float64), [0, 3, 1, 2, 2, 1]
    for n, symbol in enumerate(sequence):
        x = x / 2 + CORNERS[symbol] / 2
        assert torch.equal(states(contractions(), [sequence[: n + 1]])[0], x)


@pytest.mark.parametrize("ratio", [0.5, 0.25, 0.75])
def test_sequences_with_the_same_last_symbols_lie_close(ratio):
    """Exactly, as all states are on a dyadic grid: 2^-24 for 0.75 and 12 symbols."""
    T, draw = 12, torch.Generator().manual_seed(0)
    for common in range(T + 1):
        pasts, suffix = torch.randint(4, (20, T - common), generator=draw), torch.randint(4, (common,), generator=draw)
        ends = states(contractions(ratio), torch.cat([pasts, suffix.expand(20, -1)], 1))
        assert (ends[:, None] - ends).abs().max() <= ratio**common


def test_sequences_that_end_differently_lie_in_different_squares():
    suffixes = torch.tensor(list(itertools.product(range(4), repeat=3)))
    for start in (0, 3):
        ends = states(contractions(), torch.cat([torch.full((64, 5), start), suffixes], 1))
        squares = {(ends[n] * 8).floor().tolist().__str__() for n in range(64)}
        assert len(squares) == 64
    for past in torch.randint(4, (10, 5), generator=torch.Generator().manual_seed(1)):
        other = states(contractions(), torch.cat([past.expand(64, -1), suffixes], 1))
        assert torch.equal((other * 8).floor(), (ends * 8).ceil() - 1)  # after 3, 3, ... states are on the upper edges


def test_symbols_need_corners():
    with pytest.raises(InputError) as caught:
        contractions(size=2, symbols=5)
    assert str(caught.value) == ("affine contractions: 5 symbols need a corner each, but 2 units have 4; use size = 3")
    assert contractions(size=3, symbols=5).w_in.T.tolist() == [
        [0, 0, 0],
        [0.5, 0, 0],
        [0, 0.5, 0],
        [0.5, 0.5, 0],
        [0, 0, 0.5],
    ]
    assert not contractions(size=70, symbols=4).w_in[2:].any()


def test_an_event_reaches_only_the_coordinates_that_are_one():
    network = make_net("contractions", inputs=4, size=2)
    activity, x, _ = run(network)
    by_walking = sum(
        1
        for event in x.flatten(0, 1)
        for symbol in range(4)
        for digit in range(2)
        if event[symbol] and symbol >> digit & 1
    )
    counted = counts_of(network, activity).layers["hidden"]
    assert counted.synaptic_events == by_walking > 0
    assert counted.elementwise == 6 * 4 * 2 * 2
