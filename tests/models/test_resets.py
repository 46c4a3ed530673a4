"""The reset rules by hand, and against the libraries that have them."""

import pytest
import torch

from neurorec.basics.errors import InputError
from neurorec.engines.on_norse import _norse
from neurorec.models.cells.reset import resets
from neurorec.models.pair import parse_pair
from tests.experiments.tiny import write_study
from tests.nets import inputs, network


def test_a_neuron_that_subtracts_keeps_what_lay_above_the_threshold():
    """a = 1/8, b = 1/4, w = 8: u = 1 is no spike; then j = 14, u = 1 + 13/8 = 2.625, less 1 - 0.25."""
    net = network("lif", I=1, H=1, v_reset=0.25, reset="subtract")
    with torch.no_grad():
        net["hidden"].w_in.fill_(8.0)
        net["hidden"].w_rec.zero_()
    state, x = net["hidden"].initial_state(1), torch.ones(1, 1)
    z, state = net["hidden"].step(state, x)
    assert (z.item(), state.v.item()) == (0.0, 1.0)
    z, state = net["hidden"].step(state, x)
    assert (z.item(), state.v.item()) == (1.0, 2.625 - 0.75)


def test_an_adaptive_neuron_subtracts_the_threshold_that_it_crossed():
    """It stood at 1.5 - 1/64 x 0.5 = 1.4921875 when u = 2 crossed it; only then it rises by 0.25."""
    net = network("adaptive_lif", I=1, H=1, reset="subtract")
    state = (
        net["hidden"]
        .initial_state(1)
        ._replace(v=torch.full((1, 1), 2.0), i=torch.full((1, 1), 2.0), b=torch.full((1, 1), 1.5))
    )
    z, state = net["hidden"].step(state, torch.zeros(1, 1))
    assert z.item() == 1.0
    assert state.v.item() == 2.0 - 1.4921875
    assert state.b.item() == 1.4921875 + 0.25


@pytest.mark.parametrize("name", list(resets))
def test_norse_resets_alike(name):
    """Norse's `reset_subtract` knows no v_reset; ours equals it where v_reset is 0."""
    _norse("lif")  # its first import warns
    from norse.torch.functional.reset import reset_subtract, reset_value

    generator = torch.Generator().manual_seed(0)
    u = torch.randn(5, 7, generator=generator).double()
    z, threshold = torch.rand(2, 5, 7, generator=generator).double()
    z = (z < 0.5).double()
    if name == "zero":
        ours, theirs = resets[name](-0.25)(u, z, threshold), reset_value(z, u, torch.tensor(-0.25).double(), threshold)
    else:
        ours, theirs = resets[name](0.0)(u, z, threshold), reset_subtract(z, u, torch.tensor(0.0).double(), threshold)
    torch.testing.assert_close(ours, theirs)


@pytest.mark.parametrize("reset", list(resets))
def test_snntorch_sends_the_same_spikes(reset):
    """A current that lasts one step (tau_syn = dt) and no recurrence make the neuron snnTorch's `Leaky` with beta = 7/8, as
    long as one subtraction takes it below its threshold (else snnTorch's next step differs)."""
    snntorch = pytest.importorskip("snntorch", reason="snntorch is not installed")
    net = network("lif", I=6, H=30, tau_syn_ms=1.0, input_gain=4.0, reset=reset).double()
    net["hidden"].freeze_recurrence()
    x = inputs(net, 60, 4, share=0.5).double()
    ours, final = net["hidden"](x)
    neurons = snntorch.Leaky(beta=7 / 8, reset_mechanism=reset, reset_delay=False)
    mem, theirs = neurons.init_leaky(), []
    for x_t in x:
        spikes, mem = neurons(x_t @ net["hidden"].w_in.T / 8, mem)
        theirs.append(spikes)
    assert ours.mean() > 0.03
    assert torch.equal(ours, torch.stack(theirs))
    torch.testing.assert_close(final.v, mem)


def test_resets_cost_what_they_add():
    zero, subtract = (network("lif", reset=reset)["hidden"].operations() for reset in ("zero", "subtract"))
    assert (zero.elementwise, subtract.elementwise) == (5 * 7, 6 * 7)
    assert network("adaptive_lif", reset="subtract")["hidden"].operations().elementwise == 10 * 7
    assert zero.state_values == subtract.state_values


def test_a_card_names_a_known_reset(tmp_path):
    write_study(tmp_path)
    for wrong, said in (
        ("", "this key is missing; add it"),
        (
            'reset = "zeroo"\n',
            'reset "zeroo" is not known (did you mean "zero"?); known: subtract, zero; one of your own needs --plugin MODULE',
        ),
    ):
        path = tmp_path / "other.toml"
        path.write_text((tmp_path / "tiny.toml").read_text().replace('reset = "zero"\n', wrong))
        with pytest.raises(InputError) as caught:
            parse_pair(path.read_text(), path)
        assert str(caught.value) == f"other.toml: spiking.cell.reset: {said}"
