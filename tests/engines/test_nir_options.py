"""Every option of the NIR interpreter by a hand-computed example."""

import math

import nir
import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.nir_graph.neurons import NeuronState, stateful_node
from neurorec.engines.on_nir import NirOptions, promised_options, run_nir
from tests.engines.made_up_nir import (
    STEPS,
    chain,
    close,
    column,
    full,
    integrate_and_fire,
    options,
    recurrent,
    run_column,
)


@pytest.mark.parametrize(
    ("integrator", "expected"), [("euler", [0.5, 0.75]), ("exponential", [1 - math.exp(-0.5), 1 - math.exp(-1)])]
)
def test_integrator(integrator, expected):
    graph = chain(nir.LI(tau=full(2), r=full(1), v_leak=full(0)))
    close(run_column(graph, [1.0, 1.0], options(integrator=integrator)).output, expected)


@pytest.mark.parametrize(("order", "expected"), [("new", [0.5, 0.5, 0.375]), ("old", [0.0, 0.5, 0.5])])
def test_synapse_order(order, expected):
    # i = 1, 1/2, 1/4 with w_in = tau_syn/dt; v goes half the way to the current it reads
    graph = chain(nir.CubaLI(tau_syn=full(2), tau_mem=full(2), r=full(1), v_leak=full(0), w_in=full(2)))
    close(run_column(graph, [1.0, 0.0, 0.0], options(synapse_order=order)).output, expected)


@pytest.mark.parametrize(
    ("reset", "spikes", "potentials"),
    [
        ("zero", [1, 0, 0, 0], [0, 0, 0, 0]),
        ("subtract", [1, 1, 0, 0], [1.5, 0.5, 0.5, 0.5]),
        ("subtract_guarded", [1, 0, 0, 0], [1.5, 1.5, 1.5, 1.5]),
        ("zero_next_step", [1, 0, 0, 0], [2.5, 0, 0, 0]),
        ("subtract_next_step", [1, 1, 0, 0], [2.5, 1.5, 0.5, 0.5]),
    ],
)
def test_reset(reset, spikes, potentials):
    run = run_column(chain(integrate_and_fire()), [2.5, 0.0, 0.0, 0.0], options(reset=reset), record_potentials=True)
    close(run.spikes["a"], spikes)
    close(run.potentials["a"], potentials)


def test_guard_lets_a_neuron_above_threshold_spike_again_without_a_second_reset():
    """r = 1 and z = 1: u = 1.5 + 1 - 1 = 1.5 > 1, and z - r = 0 subtracts nothing more."""
    run = run_column(chain(integrate_and_fire()), [2.5, 1.0], options(reset="subtract_guarded"), record_potentials=True)
    close(run.spikes["a"], [1, 1])
    close(run.potentials["a"], [1.5, 1.5])


def test_reset_zero_means_the_v_reset_of_the_file():
    node = nir.IF(r=full(1), v_threshold=full(1), v_reset=full(-0.25))
    close(run_column(chain(node), [2.0, 0.0], STEPS, record_potentials=True).potentials["a"], [-0.25, -0.25])


@pytest.mark.parametrize(("at_start", "expected"), [(True, [1, 1, 1]), (False, [0, 1, 1])])
def test_recurrent_bias_at_start(at_start, expected):
    run = run_column(recurrent(0, 1), [0.0, 0.0, 0.0], options(recurrent_bias_at_start=at_start))
    close(run.output, expected)


def test_recurrence_acts_one_step_later():
    close(run_column(recurrent(1, 0), [1.0, 0.0, 0.0], STEPS).output, [1, 1, 1])
    close(run_column(recurrent(-1, 0), [1.0, 1.0, 1.0], STEPS, record_potentials=True).potentials["lif"], [0, 0, 0])


@pytest.mark.parametrize(("delayed", "expected"), [(False, [1, 0, 1]), (True, [0, 1, 0])])
def test_output_delayed(delayed, expected):
    run = run_column(chain(integrate_and_fire()), [2.0, 0.0, 2.0], options(output_delayed=delayed))
    close(run.output, expected)
    close(run.spikes["a"], expected)


@pytest.mark.parametrize(("delayed", "expected"), [(False, [1, 0, 0]), (True, [0, 1, 0])])
def test_layers_delayed(delayed, expected):
    graph = chain(integrate_and_fire(), integrate_and_fire(0.5))
    run = run_column(graph, [2.0, 0.0, 0.0], options(layers_delayed=delayed))
    close(run.spikes["a"], [1, 0, 0])
    close(run.spikes["b"], expected)
    close(run.output, expected)


def test_layers_delayed_leaves_recurrence_at_one_step():
    close(run_column(recurrent(1, 0), [1.0, 0.0, 0.0], options(layers_delayed=True)).output, [1, 1, 1])


@pytest.mark.parametrize(
    ("several", "reset", "spikes", "potentials"),
    [
        (False, "subtract", [1, 1], [1.5, 0.5]),
        (True, "subtract", [2, 0], [0.5, 0.5]),
        (True, "zero", [2, 0], [0, 0]),
    ],
)
def test_several_spikes(several, reset, spikes, potentials):
    opts = options(several_spikes=several, reset=reset)
    run = run_column(chain(integrate_and_fire()), [2.5, 0.0], opts, record_potentials=True)
    close(run.spikes["a"], spikes)
    close(run.potentials["a"], potentials)


def test_a_potential_at_the_threshold_is_no_spike():
    for opts in (STEPS, options(several_spikes=True)):
        close(run_column(chain(integrate_and_fire()), [1.0], opts).output, [0])


@pytest.mark.parametrize(("unit", "tau"), [("s", 2e-3), ("ms", 2.0), ("steps", 2.0)])
def test_time_unit(unit, tau):
    graph = chain(nir.LI(tau=full(tau), r=full(1), v_leak=full(0)))
    close(run_column(graph, [1.0, 1.0], NirOptions(dt_s=1e-3, time_unit=unit)).output, [0.5, 0.75])


def test_time_unit_also_measures_the_dt_of_an_integrator():
    for unit, expected in (("s", 2e-3), ("ms", 2.0), ("steps", 1.0)):
        run = run_column(chain(nir.I(r=full(1))), [1.0], NirOptions(dt_s=2e-3, time_unit=unit))
        assert column(run.output) == pytest.approx([expected])


@pytest.mark.parametrize(
    ("arithmetic", "expected"), [("increment", lambda v, a: v + a * (0 - v)), ("decay", lambda v, a: (1 - a) * v)]
)
def test_arithmetic_is_that_of_the_last_bit(arithmetic, expected):
    """The two are one equation, and differ by a rounding: here for v = 1 .. 1000 thousandths that leak by a tenth."""
    v = torch.arange(1, 1001) * torch.tensor(1e-3)
    graph = chain(nir.LI(tau=full(10, 1000), r=full(10, 1000), v_leak=full(0, 1000)))
    run = run_nir(graph, torch.stack([v, torch.zeros(1000)]), options(arithmetic=arithmetic))
    assert torch.equal(run.output[1, 0], expected(run.output[0, 0], torch.tensor(0.1)))


@pytest.mark.parametrize(
    ("arithmetic", "expected"), [("increment", lambda i, a: i - a * i), ("decay", lambda i, a: (1 - a) * i)]
)
def test_arithmetic_of_the_synapse(arithmetic, expected):
    i = torch.arange(1, 1001)[None] * torch.tensor(1e-3)
    cuba = nir.CubaLI(*(full(value, 1000) for value in (10, 10, 1, 0)))
    node = stateful_node("a", cuba, options(arithmetic=arithmetic), "made up")
    _, state = node.step(NeuronState(torch.zeros_like(i), i), [torch.zeros_like(i)])
    assert torch.equal(state.i, expected(i, torch.tensor(0.1)))


def test_both_arithmetics_leak_alike():
    nodes = nir.LI(tau=full(2), r=full(3), v_leak=full(0.2)), nir.CubaLI(*map(full, (4, 2, 3, 0.2, 5)))
    for node in nodes:
        runs = [run_column(chain(node), [1.0, 0.5, 0.0], options(arithmetic=kind)) for kind in ("increment", "decay")]
        assert column(runs[0].output) == pytest.approx(column(runs[1].output), rel=1e-6)  # 16 roundings


@pytest.mark.parametrize("precision", ["float32", "float64"])
def test_precision(precision):
    run = run_column(chain(integrate_and_fire()), [2.0], options(precision=precision))
    assert run.output.dtype == getattr(torch, precision)


def test_float64_keeps_every_digit_of_the_input():
    x = torch.tensor([[0.1]], dtype=torch.float64)
    assert run_nir(chain(nir.I(r=full(1))), x, options(precision="float64")).output.item() == 0.1


@pytest.mark.parametrize(
    ("wrong", "text"),
    [
        ({"reset": "zeros"}, 'NIR option reset "zeros" is not known (did you mean "zero"?); known: zero, subtract, '),
        ({"integrator": "rk4"}, 'NIR option integrator "rk4" is not known; known: euler, exponential'),
        ({"dt_s": 0.0}, "NIR option dt_s must be a positive number of seconds (got 0.0)"),
        (
            {"several_spikes": True, "reset": "subtract_guarded"},
            'NIR option several_spikes requires reset "zero" or "subtract" (got "subtract_guarded", which allows '
            "one spike per step)",
        ),
    ],
)
def test_wrong_options_say_what_is_known(wrong, text):
    with pytest.raises(InputError) as error:
        options(**wrong)
    assert str(error.value).startswith(text)


def test_a_foreign_file_promises_no_options():
    with pytest.raises(InputError) as error:
        promised_options({}, "their.nir")
    assert str(error.value) == (
        "their.nir: this file was not written by neurorec and does not state how to step it; give a NirOptions "
        "(at least dt_s, see docs/nir.md)"
    )
