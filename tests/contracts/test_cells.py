"""What every registered cell keeps."""

import numpy as np
import pytest
import torch

from neurorec.models.cell import cells
from tests.nets import inputs, network

every_cell = pytest.mark.parametrize("name", list(cells))


@every_cell
@pytest.mark.parametrize(("T", "B", "I", "H"), [(6, 3, 5, 7), (1, 1, 1, 1), (4, 0, 3, 5), (0, 2, 3, 5)])
def test_shapes_of_outputs_and_state(name, T, B, I, H):  # noqa: E741
    net = network(name, I=I, H=H)
    outputs, state = net["hidden"](inputs(net, T, B))
    assert outputs.shape == (T, B, H)
    assert all(part.shape == (B, H) for part in state)
    assert net(inputs(net, T, B)).shape == (T, B, 3)


@pytest.mark.parametrize("name", [name for name in cells if "activation" in cells[name].Card.model_fields])
@pytest.mark.parametrize("activation", ["tanh", "sigmoid"])
def test_outputs_saturate_at_the_declared_bounds(name, activation):
    net = network(name, activation=activation)
    layer = net["hidden"]
    outputs, _ = layer((200 * inputs(net, 1, 8) - 100).expand(12, -1, -1))  # held, for layers that leak
    if layer.output_bounds is None:
        assert outputs.abs().max() > 1.1  # not bounded at all
        return
    low, high = layer.output_bounds
    assert low <= outputs.min() < low + 0.1 * (high - low)
    assert high - 0.1 * (high - low) < outputs.max() <= high


@every_cell
def test_running_in_two_parts_is_running_at_once(name):
    net = network(name)
    x = inputs(net, 12, 4)
    whole, end = net["hidden"](x)
    first, state = net["hidden"](x[:5])
    second, end_again = net["hidden"](x[5:], state)
    assert torch.equal(whole, torch.cat([first, second]))
    assert all(torch.equal(a, b) for a, b in zip(end, end_again, strict=True))


@every_cell
def test_samples_of_a_batch_do_not_touch(name):
    net = network(name).double()
    x = inputs(net, 10, 4).double()
    changed = x.clone()
    changed[:, 1] = 1 - changed[:, 1]
    kept = [0, 2, 3]
    torch.testing.assert_close(net["hidden"](x)[0][:, kept], net["hidden"](changed)[0][:, kept])


@every_cell
def test_the_future_does_not_change_the_past(name):
    net = network(name)
    x = inputs(net, 10, 3)
    later = x.clone()
    later[6:] = 1 - later[6:]
    assert torch.equal(net["hidden"](x)[0][:6], net["hidden"](later)[0][:6])


@every_cell
def test_weights_come_from_the_generator_alone(name):
    torch.manual_seed(1)
    one = network(name, seed=3).state_dict()
    torch.manual_seed(2)
    same, other = network(name, seed=3).state_dict(), network(name, seed=4).state_dict()
    assert all(torch.equal(one[key], same[key]) for key in one)
    assert any(not torch.equal(one[key], other[key]) for key in one)


@every_cell
def test_output_is_what_it_is_declared_to_be(name):
    net = network(name, H=20)
    outputs = net["hidden"](inputs(net, 30, 4, share=0.8))[0]
    if cells[name].output_signal == "spikes":
        assert set(outputs.unique().tolist()) == {0.0, 1.0}
    else:
        assert torch.isfinite(outputs).all()
        assert outputs.abs().sum() > 0


@every_cell
def test_declared_operations_have_the_shape_of_the_layer(name):
    net = network(name, I=5, H=7)
    declared = net["hidden"].operations()
    assert declared.input_fan_out.shape == (5,)
    assert declared.recurrent_fan_out.shape == (7,)
    assert declared.input_fan_out.dtype.kind == declared.recurrent_fan_out.dtype.kind == "i"
    assert np.all(declared.input_fan_out >= 0)
    assert declared.neuron_updates == 7


RECURRENT = [name for name in cells if any(w.requires_grad for w in network(name)["hidden"].recurrent_weights())]


@pytest.mark.parametrize("name", RECURRENT)
def test_frozen_recurrence_carries_nothing_back(name):
    net = network(name)
    before = net.parameter_count
    net["hidden"].freeze_recurrence()
    assert net.parameter_count < before
    assert net["hidden"].operations().recurrent_fan_out.sum() == 0
    assert all(not weight.any() for weight in net["hidden"].recurrent_weights())


@every_cell
def test_every_cell_says_what_it_computes_and_where_it_comes_from(name):
    cell = cells[name]
    assert cell.title
    assert "_t" in cell.equations
    assert cell.sources
