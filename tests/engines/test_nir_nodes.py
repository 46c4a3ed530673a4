"""Every stateless NIR node against torch; delays and neurons by hand."""

import nir
import numpy as np
import pytest
import torch
from torch.nn import functional as F

from neurorec.basics.errors import InputError
from neurorec.engines.on_nir import NirOptions, flat_graph, run_nir
from tests.engines.made_up_nir import STEPS, chain, close, full, integrate_and_fire, options, run_column


def _rand(*shape):
    """Multiples of 1/64, as the input: sums are exact in any order."""
    return np.round(np.random.default_rng(3).normal(size=shape) * 64).astype(np.float32) / 64


def _conv(kind, shape, size):
    return kind(input_shape=size, weight=_rand(*shape), stride=2, padding=1, dilation=1, groups=1, bias=_rand(shape[0]))


def _pool(kind):
    return kind(kernel_size=np.array([2, 2]), stride=np.array([2, 2]), padding=np.array([1, 1]))


T_ = torch.as_tensor
CASES = {
    "Linear": ([5], nir.Linear(_rand(3, 5)), lambda x: x @ T_(_rand(3, 5)).T),
    "Affine": ([5], nir.Affine(_rand(3, 5), _rand(3)), lambda x: x @ T_(_rand(3, 5)).T + T_(_rand(3))),
    "Scale": ([5], nir.Scale(_rand(5)), lambda x: x * T_(_rand(5))),
    "Threshold": ([5], nir.Threshold(_rand(5)), lambda x: (x > T_(_rand(5))).float()),
    "Flatten": ([2, 3, 4], nir.Flatten({"input": np.array([2, 3, 4])}, 0, -1), lambda x: x.reshape(len(x), 24)),
    "Flatten inner": (
        [2, 3, 4],
        nir.Flatten({"input": np.array([2, 3, 4])}, 1, -1),
        lambda x: x.reshape(len(x), 2, 12),
    ),
    "Conv1d": (
        [2, 9],
        _conv(nir.Conv1d, (3, 2, 3), 9),
        lambda x: F.conv1d(x, T_(_rand(3, 2, 3)), T_(_rand(3)), stride=2, padding=1),
    ),
    "Conv2d": (
        [2, 7, 9],
        _conv(nir.Conv2d, (3, 2, 3, 3), (7, 9)),
        lambda x: F.conv2d(x, T_(_rand(3, 2, 3, 3)), T_(_rand(3)), stride=2, padding=1),
    ),
    "AvgPool2d": ([1, 4, 6], _pool(nir.AvgPool2d), lambda x: F.avg_pool2d(x, 2, 2, 1)),
    "SumPool2d": (
        [1, 4, 6],
        _pool(nir.SumPool2d),
        lambda x: F.pad(x, (1, 1, 1, 1)).unfold(2, 2, 2).unfold(3, 2, 2).sum((4, 5)),
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_stateless_node(name):
    shape, node, expected = CASES[name]
    nodes = {"input": nir.Input({"input": np.array(shape)}), "a": node, "output": nir.Output(None)}
    graph = flat_graph(nir.NIRGraph(nodes, [("input", "a"), ("a", "output")]), "made up")
    x = torch.round(torch.randn(3, 2, *shape, generator=torch.Generator().manual_seed(0)) * 64) / 64
    output = run_nir(graph, x, STEPS).output
    assert torch.equal(output, torch.stack([expected(x_t) for x_t in x]))


def test_delay_has_its_own_length_on_every_line():
    run = run_nir(chain(nir.Delay(np.array([0.0, 1.0, 2.0]))), torch.tensor([[1.0] * 3, [2.0] * 3, [3.0] * 3]), STEPS)
    assert run.output[:, 0].tolist() == [[1, 0, 0], [2, 1, 0], [3, 2, 1]]


def test_delay_must_be_a_whole_number_of_steps():
    with pytest.raises(InputError) as error:
        run_column(chain(nir.Delay(full(1.5e-3))), [1.0], NirOptions(dt_s=1e-3))
    assert str(error.value) == (
        'made up: node "a" delays by [1.5] steps of 0.001; delays must be integer numbers of steps, so choose a '
        "dt_s that divides them"
    )


def test_several_spikes_need_positive_thresholds():
    with pytest.raises(InputError) as error:
        run_column(chain(integrate_and_fire(0.0)), [1.0], options(several_spikes=True))
    assert str(error.value) == 'made up: node "a" has thresholds <= 0, by which several_spikes cannot divide'


def test_lif_leaks_from_and_to_v_leak():
    node = nir.LIF(tau=full(2), r=full(3), v_leak=full(0.2), v_threshold=full(9), v_reset=full(0))
    close(run_column(chain(node), [0.0, 1.0], STEPS, record_potentials=True).potentials["a"], [0.2, 1.7])
