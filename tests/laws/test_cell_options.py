"""Every engine against the plain reference, over reset rules, learned time constants and samples of unequal length."""

import itertools

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.engine import choose_engine, engines
from neurorec.engines.fused import unroll as fused_unroll
from neurorec.models.cell import cells
from tests.nets import inputs, network, on_dyadic_grid
from tests.rounding import answers_apart, assert_apart, assert_gradients_apart, sums_apart, unrolled_apart

SIZES = {  # T, B, I, H
    "T=0": (0, 3, 5, 7),
    "T=1": (1, 4, 3, 7),
    "B=0": (5, 0, 3, 7),
    "B=1": (23, 1, 6, 7),
    "H=1": (23, 5, 6, 1),
    "H=7": (23, 9, 6, 7),
    "H=33": (23, 13, 9, 33),
    "two tiles": (31, 19, 70, 33),
}
OPTIONS = [
    (name, {"learn_time_constants": learned} | ({} if name == "leaky_integrator" else {"reset": reset}))
    for name in ("lif", "adaptive_lif", "leaky_integrator")
    for learned, reset in itertools.product((False, True), ("zero", "subtract"))
    if name != "leaky_integrator" or reset == "zero"
] + [("liquid_state", {"reset": "subtract"}), ("adaptive_lif", {"reset": "zero", "threshold_gradient": True})]
FAST = [name for name in engines if name != "torch"]
CASES = [
    pytest.param(engine, name, options, id=f"{engine} {name} {' '.join(f'{k}={v}' for k, v in options.items())}")
    for engine, (name, options) in itertools.product(FAST, OPTIONS)
    if engines[engine]().why_not(network(name, **options)["hidden"]) is None
]


def made(name, options, I, H):  # noqa: E741
    """A cell with weights on the dyadic grid, so that sums are exact, and rates that differ from neuron to neuron."""
    cell = on_dyadic_grid(network(name, I=I, H=H, input_gain=6.0, v_reset=0.125, v_leak=-0.0625, **options), 6)[
        "hidden"
    ]
    with torch.no_grad():
        for key, parameter in cell.named_parameters():
            parameter.requires_grad_(True)
            if key.endswith("logit"):
                parameter += torch.linspace(-0.7, 0.9, H)
    return cell


def binary(T, B, I, seed=0):  # noqa: E741
    return (torch.rand(T, B, I, generator=torch.Generator().manual_seed(seed)) < 0.4).float()


def first_state(cell, B):
    start = cell.initial_state(B)
    generator = torch.Generator().manual_seed(7)
    drawn = {key: torch.round(torch.rand(B, cell.size, generator=generator) * 8) / 8 for key in start._fields}
    if "z" in drawn:
        drawn["z"] = (drawn["z"] > 0.5).float()
    return type(start)(*(part.requires_grad_(True) for part in drawn.values()))


def unequal(T, B):
    """Lengths from 0 to T, in no order."""
    return torch.tensor([(5 * k + T) % (T + 1) for k in range(B)], dtype=torch.int64)


def results(engine, cell, x, lengths):
    """Outputs, final state, and the gradients of x, of the first state and of every parameter."""
    x, start = x.clone().requires_grad_(True), first_state(cell, x.shape[1])
    cell.zero_grad(set_to_none=True)
    outputs, final = engines[engine]().unroll(cell, x, start, lengths)
    total = sum((part * torch.linspace(-1, 2, part.numel()).reshape(part.shape)).sum() for part in (outputs, *final))
    if total.requires_grad:
        total.backward()
    wanted = {"x": x, **{f"first {k}": v for k, v in start._asdict().items()}, **dict(cell.named_parameters())}
    gradients = {key: torch.zeros_like(one) if one.grad is None else one.grad.clone() for key, one in wanted.items()}
    return outputs.detach(), final, gradients


def assert_agree(engine, cell, x, lengths=None):
    outputs, final, gradients = results(engine, cell, x, lengths)
    outputs_plain, final_plain, gradients_plain = results("torch", cell, x, lengths)
    assert torch.equal(outputs, outputs_plain)
    for part, plain in zip(final, final_plain, strict=True):
        assert torch.equal(part, plain)
    assert_gradients_apart(gradients, gradients_plain, *x.shape[:2], cell.size)
    return outputs_plain, gradients_plain


@pytest.mark.parametrize("ends", [False, True], ids=["one length", "unequal lengths"])
@pytest.mark.parametrize("sizes", SIZES.values(), ids=SIZES)
@pytest.mark.parametrize(("engine", "name", "options"), CASES)
def test_outputs_state_and_every_gradient(engine, name, options, sizes, ends):
    T, B, I, H = sizes  # noqa: E741
    cell = made(name, options, I, H)
    assert_agree(engine, cell, binary(T, B, I), unequal(T, B) if ends else None)


@pytest.mark.parametrize(("engine", "name", "options"), CASES)
def test_the_comparison_is_about_something(engine, name, options):
    """Cells are active, every parameter matters, and both options change what comes out."""
    cell, x = made(name, options, 9, 33), binary(31, 13, 9)
    outputs, gradients = assert_agree(engine, cell, x)
    assert 0.05 < outputs.mean() < 0.9
    for key, gradient in gradients.items():
        assert gradient.abs().max() > 0.1, key
    if options.get("learn_time_constants"):
        fixed = made(name, options | {"learn_time_constants": False}, 9, 33)
        assert not torch.equal(outputs, fixed(x, first_state(fixed, 13))[0])
    if options.get("reset") == "subtract":
        other = made(name, options | {"reset": "zero"}, 9, 33)
        assert not torch.equal(outputs, other(x, first_state(other, 13))[0])


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_working_out_again_segment_by_segment(monkeypatch, name, options):
    monkeypatch.setattr(fused_unroll, "KEEP_BYTES", {True: 0, False: 0})
    cell, x = made(name, options, 9, 33), binary(50, 11, 9)
    assert_agree("fused", cell, x)
    assert_agree("fused", cell, x, unequal(50, 11))


@pytest.mark.parametrize("slope", [1.0, 8.0])
@pytest.mark.parametrize(("name", "options"), [case for case in OPTIONS if case[0] != "leaky_integrator"])
def test_a_compact_surrogate(name, options, slope):
    cell, x = made(name, options | {"surrogate": "triangle", "slope": slope}, 9, 33), binary(23, 19, 9)
    assert_agree("fused", cell, x)
    assert_agree("fused", cell, x, unequal(23, 19))


@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_dense_and_graded_input(name, options):
    cell, x = made(name, options, 40, 33), torch.ones(23, 17, 40)
    assert_agree("fused", cell, x / 4, unequal(23, 17))
    assert_agree("fused", cell, binary(23, 17, 40) / 2)


@pytest.mark.parametrize(
    ("engine", "name"), [(e, c) for e in engines for c in cells if engines[e]().why_not(network(c)["hidden"]) is None]
)
def test_a_batch_of_unequal_lengths_is_every_sample_on_its_own(engine, name):
    """A batch of another size may add in another order. Weights and input lie on a grid, so that this changes nothing, unless
    a layer adds up values of its own, which lie on none."""
    net, lengths, runner = on_dyadic_grid(network(name, I=5, H=9)), unequal(17, 8), engines[engine]()
    x = torch.round(inputs(net, 17, 8, share=0.5) * 16) / 16
    together = runner.run(net, x, lengths)
    final, hidden = together.state.layers["hidden"], net["hidden"]
    hidden_apart, state_apart = torch.zeros(17, 8, 9), [torch.zeros(8, 9) for _ in final]
    if hidden.output_signal == "values" and hidden.recurrent_weights():
        hidden_apart, state_apart = unrolled_apart(hidden, x, lengths)
    apart = answers_apart(net["readout"], together.sent["hidden"], hidden_apart)
    for b, length in enumerate(lengths.tolist()):
        alone = runner.run(net, x[:length, b : b + 1])
        found, expected = together.sent["hidden"], alone.sent["hidden"]
        assert_apart(found[:length, b], expected[:, 0], hidden_apart[:length, b], "outputs of the layer")
        assert not found[length:, b].any()
        assert_apart(together.outputs[:length, b], alone.outputs[:, 0], apart[:length, b], "answers")
        assert not together.outputs[length:, b].any()
        for part, own, allowed in zip(final, alone.state.layers["hidden"], state_apart, strict=True):
            assert_apart(part[b], own[0], allowed[b], "final state")
    assert_apart(net(x, lengths), together.outputs, apart, "answers of the plain loop")


@pytest.mark.parametrize("engine", list(engines))
def test_what_lies_behind_an_end_changes_nothing_and_gets_no_gradient(engine):
    cell, lengths = made("lif", {}, 6, 19), torch.tensor([11, 3, 0, 7])
    x = binary(11, 4, 6)
    behind = torch.arange(11)[:, None] >= lengths
    noise = torch.where(behind[..., None], binary(11, 4, 6, seed=5), x)
    one, other = results(engine, cell, x, lengths), results(engine, cell, noise, lengths)
    assert not torch.equal(x, noise)
    assert torch.equal(one[0], other[0])
    assert all(torch.equal(a, b) for a, b in zip(one[1], other[1], strict=True))
    for key, gradient in one[2].items():
        assert torch.equal(gradient, other[2][key]), key
    assert not one[2]["x"][behind].any()
    assert one[2]["x"][~behind].any()


@pytest.mark.parametrize(
    ("lengths", "message"),
    [
        (torch.tensor([1, 2]), "lengths must be 3 integers, one per sample of x [4, 3, 5] (got torch.int64 [2])"),
        (torch.ones(3), "lengths must be 3 integers, one per sample of x [4, 3, 5] (got torch.float32 [3])"),
        (torch.tensor([1, 5, 2]), "lengths must be in 0 to T = 4, the steps of x (got 1 to 5)"),
        (torch.tensor([1, -1, 2]), "lengths must be in 0 to T = 4, the steps of x (got -1 to 2)"),
    ],
)
def test_impossible_lengths_are_refused(lengths, message):
    net = network("lif")
    for run in (net, lambda x, ends: engines["fused"]().run(net, x, ends)):
        with pytest.raises(InputError) as caught:
            run(inputs(net, 4, 3), lengths)
        assert str(caught.value) == message


def test_engines_that_know_one_reset_only_refuse_the_other():
    cell = network("adaptive_lif", reset="subtract")["hidden"]
    with pytest.raises(CannotRun) as caught:
        choose_engine("norse", cell)
    assert str(caught.value) == (
        'engine norse cannot run adaptive LIF: its reset is "subtract", but Norse\'s recurrent steps support only "zero"; '
        "use --engine auto"
    )
    assert choose_engine("auto", cell).title == "fused"
    assert choose_engine("auto", cell.double()).title == "torch"


@pytest.mark.parametrize("ends", [False, True], ids=["one length", "unequal lengths"])
@pytest.mark.parametrize("weighed", ["alike", "each its own"])
@pytest.mark.parametrize(("name", "options"), OPTIONS)
def test_weighted_sums_over_time(name, options, weighed, ends):
    """Of all samples alike, or each with weights of its own, as masks of unequal lengths need."""
    cell, x = made(name, options, 9, 33), binary(40, 11, 9)
    weights = torch.randn(2, 40, 11, generator=torch.Generator().manual_seed(2))
    weights = weights[..., 0] if weighed == "alike" else weights
    found = []
    for engine in ("torch", "fused"):
        cell.zero_grad()
        sums = engines[engine]().weighted_sums(cell, x, weights, unequal(40, 11) if ends else None)
        (sums * torch.linspace(-1, 2, sums.numel()).reshape(sums.shape)).sum().backward()
        found.append((sums.detach(), {key: one.grad for key, one in cell.named_parameters()}))
    (plain, gradients), (fused, gradients_fused) = found
    terms = weights.abs() if weighed == "each its own" else weights.abs()[..., None].expand(2, 40, 11)
    assert_apart(fused, plain, sums_apart(torch.einsum("ktb,tbh->kbh", terms, cell(x)[0].abs()), 40), "sums")
    assert_gradients_apart(gradients_fused, gradients, 40, 11, 33)
    assert all(gradient.abs().max() > 0 for gradient in gradients.values())


def test_numbers_that_change_in_place_are_read_anew():
    """Learned time constants after an optimiser's step, thresholds after STDP: a step recorded before must not hold on to
    what was worked out from them."""
    learned = made("lif", {"learn_time_constants": True}, 9, 33)
    competitive = on_dyadic_grid(network("competitive_lif", I=9, H=33, weight_sum=24.0, inhibition=0.25))["hidden"]
    for cell, number in ((learned, learned.tau_mem.logit), (competitive, competitive.theta)):
        x = binary(31, 5, 9)
        before, _ = engines["fused"]().unroll(cell, x)
        with torch.no_grad():
            number += 0.5
        after, _ = engines["fused"]().unroll(cell, x)
        assert not torch.equal(before, after)
        assert torch.equal(after, engines["torch"]().unroll(cell, x)[0])
