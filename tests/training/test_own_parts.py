"""Models, tasks and rules of the user's own, without registering names or editing the package."""

import dataclasses
from typing import NamedTuple

import pytest
import torch
from torch.utils.data import Dataset, TensorDataset

import neurorec as nr
from neurorec.basics.counts import Counts
from neurorec.learning.bptt import BPTT
from neurorec.learning.rule import network_why_not
from neurorec.models.own import flops

SPLITS = {"train": range(60), "validation": range(60, 80), "test": range(80, 100)}
SETTINGS = {"epochs": 3, "batch_size": 20, "learning_rate": 1e-2, "learning_rate_decay": 1.0, "clip_norm": 1.0,
            "rate_target": 0.0, "rate_weight": 0.0}  # fmt: skip


def data(T=6, N=100, I=3):  # noqa: E741
    x = torch.rand(T, N, I, generator=torch.Generator().manual_seed(0))
    return x, x.mean(0) @ torch.tensor([[1.0], [2.0], [-1.0]])


def regression(**changes) -> nr.Task:
    x, y = data()
    return nr.Task.from_arrays(x, y, "regression", SPLITS, **changes)


class Answering(torch.nn.Module):
    """An LSTM with dropout and a linear map."""

    def __init__(self, inputs=3, outputs=1, dropout=0.0):
        super().__init__()
        self.lstm, self.dropout = torch.nn.LSTM(inputs, 8), torch.nn.Dropout(dropout)
        self.out = torch.nn.Linear(8, outputs)

    def forward(self, x):
        return self.out(self.dropout(self.lstm(x)[0]))


def module(dropout=0.0, **sizes):
    torch.manual_seed(3)
    return Answering(dropout=dropout, **sizes)


def test_a_torch_module_learns_and_is_counted_by_its_flops():
    task = regression()
    run = nr.train(module(), task, "bptt", settings={**SETTINGS, "epochs": 50, "learning_rate": 3e-2}, device="cpu")
    assert run.scores["test"] < 0.5 * task.baselines()["mean target"]["test"]
    assert (run.pair, run.half, run.engine) == ("own", "rate", "torch")
    cost = nr.estimate_cost(run, "cmos_45nm")
    macs = 4 * 8 * (3 + 8) + 8
    assert cost.operations.total.macs == macs * 6 * 20  # 20 test samples of 6 steps
    assert 'operations of layer "module" other than matrix products' in cost.unpriced
    assert cost.at_least
    assert cost.notes == (
        f'layer "module": {macs} multiply-accumulates per step, measured by a FLOP counter, not declared',
    )
    backward = cost.training.operations.backward.macs
    assert backward == 2 * macs * 6 * 60 * 50  # of 60 samples in 50 epochs
    with pytest.raises(nr.CannotRun, match="NIR cannot hold Answering: torch modules of your own are not exported"):
        nr.export(run, "nir", "never.nir")


def test_a_module_may_return_its_state_too():
    run = nr.train(torch.nn.LSTM(3, 1), regression(), "bptt", settings=SETTINGS, device="cpu")
    assert run.network.title == "LSTM"
    assert len(run.history) == 3


@pytest.mark.parametrize(("kind", "gates"), [(torch.nn.LSTM, 4), (torch.nn.GRU, 3), (torch.nn.RNN, 1)])
@pytest.mark.parametrize("T", [1, 5])
def test_flops_are_those_of_the_formula(kind, gates, T):
    assert flops(kind(5, 7), torch.zeros(T, 2, 5)) == 2 * T * 2 * gates * 7 * (5 + 7)


def test_dropout_works_while_training_only_and_repeats_with_the_seed():
    runs = [nr.train(module(0.5), regression(), "bptt", seed, settings=SETTINGS, device="cpu") for seed in (1, 1, 2)]
    assert runs[0].history == runs[1].history != runs[2].history
    network, x = runs[0].network, data()[0]
    assert torch.equal(network(x), network(x))


def test_training_a_module_leaves_the_callers_random_numbers_alone():
    torch.manual_seed(9)
    right = torch.rand(3)
    net = module(0.5)
    torch.manual_seed(9)
    nr.train(net, regression(), "bptt", settings=SETTINGS, device="cpu")
    assert torch.equal(torch.rand(3), right)


class Mean(NamedTuple):
    h: torch.Tensor


class LeakyMean(nr.Cell):
    """A cell that is registered nowhere."""

    title, output_signal, sources = "leaky mean", "values", ()
    equations = "h_t = h_{t-1} + 0.5 (tanh(W x_t) - h_{t-1})"

    def __init__(self, size, inputs):
        super().__init__(nr.CellCard(name="leaky_mean", size=size), inputs)
        self.w_in = torch.nn.Parameter(torch.zeros(size, inputs))

    def reset_parameters(self, generator):
        torch.nn.init.normal_(self.w_in, generator=generator)

    def initial_state(self, batch):
        return Mean(self._zeros(batch))

    def step(self, state, x):
        h = state.h + 0.5 * (torch.tanh(x @ self.w_in.T) - state.h)
        return h, Mean(h)

    def operations(self):
        H = self.size
        return nr.StepOperations(self._dense(self.input_size, H), self._dense(H, 0), "values", H, 3 * H, H, H, H)


def test_a_cell_gets_a_readout_and_weights_from_the_seed():
    scores = [nr.train(LeakyMean(8, 3), regression(), "bptt", seed, settings=SETTINGS, device="cpu").scores
              for seed in (0, 0, 1)]  # fmt: skip
    assert scores[0] == scores[1] != scores[2]
    run = nr.train(
        LeakyMean(8, 3), regression(), "ridge", settings={"epochs": 1, "batch_size": 60, "penalties": [1e-3]}
    )
    assert run.network.title == "leaky mean"
    assert nr.estimate_cost(run, "cmos_45nm").operations.total.nonlinearities == 8 * 6 * 20


def test_a_network_keeps_the_weights_that_it_has():
    readout = nr.load_pair("lif_vs_elman").rate.build(3, 1, torch.Generator())["readout"]
    first, second = LeakyMean(5, 3), LeakyMean(128, 8)
    wires = (nr.Wire("input", "a"), nr.Wire("input", "b"), nr.Wire("a", "b"), nr.Wire("b", "readout"))
    network = nr.Network({"a": first, "b": second, "readout": readout}, wires, "values", 3)
    network.reset_parameters(torch.Generator().manual_seed(5))
    before = first.w_in.clone()
    run = nr.train(network, regression(), "bptt", settings={**SETTINGS, "learning_rate": 1e-12}, device="cpu")
    assert run.network is network
    assert torch.allclose(first.w_in, before, atol=1e-9)
    x, y = data()
    wide = nr.Task.from_arrays(x, y.expand(-1, 2), "regression", SPLITS)
    with pytest.raises(
        nr.InputError, match="task own task has 2 outputs, but the network has 1; build it for this task"
    ):
        nr.train(network, wide, "bptt", settings=SETTINGS)


class Perturbation(nr.Rule):
    """Weights are pushed at random; what lowers the loss stays."""

    title, sources, equations, signal = "weight perturbation", (), "w += noise where L(w + noise) < L(w)", "errors"

    @classmethod
    def why_not(cls, model):
        return network_why_not(model)

    def init(self, model, engine, objective, generator):
        return engine, objective, generator

    def step(self, model, state, batch):
        engine, objective, generator = state
        with torch.no_grad():
            before = objective.loss(engine.answers(model, batch, objective), batch)
            noise = [0.05 * torch.randn(p.shape, generator=generator) for p in model.parameters()]
            for parameter, push in zip(model.parameters(), noise, strict=True):
                parameter += push
            worse = objective.loss(engine.answers(model, batch, objective), batch) >= before
            for parameter, push in zip(model.parameters(), noise, strict=True):
                parameter -= push if worse else 0.0
        return state, nr.Info(loss=float(before), updates=1)


def test_a_rule_class_learns_and_its_cost_says_what_it_does_not_know():
    run = nr.train(LeakyMean(8, 3), regression(), Perturbation, settings={"epochs": 30, "batch_size": 20}, device="cpu")
    assert (run.rule, run.rule_title, run.judgements) == ("Perturbation", "weight perturbation", ())
    assert run.scores["train"] < 0.8
    cost = nr.estimate_cost(run, "cmos_45nm")
    assert cost.energy_pJ.value > 0
    assert "the rule does not declare what it needs" in cost.training.why_not


def test_a_rule_class_of_a_known_kind_is_counted_like_it():
    own = type("Own", (BPTT,), {"title": "own BPTT"})
    run = nr.train(LeakyMean(8, 3), regression(), own, settings=SETTINGS, device="cpu")
    known = nr.train(LeakyMean(8, 3), regression(), "bptt", settings=SETTINGS, device="cpu")
    assert run.history == known.history
    own_cost, cost = nr.estimate_cost(run, "cmos_45nm"), nr.estimate_cost(known, "cmos_45nm")
    assert own_cost.training.operations.total == cost.training.operations.total != Counts()


def test_half_of_a_pair_takes_other_settings_and_an_encoder_may_be_a_table():
    half = nr.load_pair("lif_vs_elman").spiking
    run = nr.train(half, regression(), "bptt", settings={**SETTINGS, "epochs": 1}, device="cpu")
    assert run.half == "spiking"
    encoder = {"name": "regular_rate", "dt_ms": 1.0, "steps_per_frame": 4}
    run = nr.train(module(), regression(), "bptt", settings={**SETTINGS, "epochs": 1}, encoder=encoder, device="cpu")
    assert run.activity.steps == 24
    with pytest.raises(nr.InputError, match='encoder: key "dt" is not known'):
        nr.train(module(), regression(), "bptt", settings=SETTINGS, encoder={**encoder, "dt": 1.0})


class Unequal(Dataset):
    """Samples of 2 to 5 frames of 3 values; the target is the mean of the last frame, or of every frame."""

    def __init__(self, per_frame=False):
        self.per_frame = per_frame

    def __len__(self):
        return 40

    def __getitem__(self, n):
        x = torch.rand(2 + n % 4, 3, generator=torch.Generator().manual_seed(n))
        return x, x.mean(1, keepdim=True) if self.per_frame else x[-1].mean(0, keepdim=True)


def test_any_torch_dataset_becomes_a_task():
    task = nr.Task.from_dataset(Unequal(), "regression", seed=1)
    assert task.x.shape == (5, 40, 3)
    assert task.lengths.tolist() == [2 + n % 4 for n in range(40)]
    assert {split: len(index) for split, index in task.splits.items()} == {"train": 28, "validation": 6, "test": 6}
    assert torch.equal(task.x[:3, 1], Unequal()[1][0])
    assert (task.mask.sum(0) == 1).all()
    again, other = nr.Task.from_dataset(Unequal(), "regression", seed=1), nr.Task.from_dataset(Unequal(), "regression")
    assert (task.splits["test"] == again.splits["test"]).all()
    assert list(task.splits["test"]) != list(other.splits["test"])
    parts = {"train": range(20), "validation": range(20, 30), "test": range(30, 40)}
    frames = nr.Task.from_dataset(Unequal(per_frame=True), "step_regression", splits=parts)
    assert frames.target.shape == (5, 40, 1)
    assert frames.mask.sum(0).tolist() == frames.lengths.tolist()
    assert nr.train(LeakyMean(6, 3), frames, "bptt", settings=SETTINGS, device="cpu").metric == "mean squared error"


def test_static_data_are_one_frame():
    labels = torch.arange(100) % 3
    task = nr.Task.from_dataset(TensorDataset(torch.rand(100, 4), labels), "classification")
    assert task.x.shape == (1, 100, 4)
    assert (task.outputs, task.lengths) == (3, None)


def test_splits_may_be_masks():
    x, y = data()
    n = torch.arange(100)
    task = nr.Task.from_arrays(
        x, y, "regression", {"train": n < 60, "validation": (n >= 60) & (n < 80), "test": n >= 80}
    )
    assert task.splits["validation"].tolist() == list(range(60, 80))


LABELS = torch.arange(100) % 3


def from_arrays(**changes):
    x, y = data()
    given = {"x": x, "y": y, "objective": "regression", "splits": SPLITS} | changes
    return nr.Task.from_arrays(**given)


@pytest.mark.parametrize(("changes", "told"), [
    ({"x": data()[0].numpy()}, "task own task: x must be a torch tensor (got ndarray); use torch.as_tensor(x)"),
    ({"y": data()[1].numpy()}, "task own task: y must be a torch tensor (got ndarray); use torch.as_tensor(y)"),
    ({"x": data()[0].long()}, "task own task: x must contain real numbers (got int64); use x.float()"),
    ({"x": data()[0][0]}, "task own task: x must be [T, N, I], time first (got [100, 3])"),
    ({"x": data()[0].transpose(0, 1)},
     "task own task: x is [T, N, I] = [100, 6, 3], but target has 100 samples and mask 100 frames; time comes first: if "
     "samples come first in x, give x.transpose(0, 1)"),
    ({"x": data()[0].transpose(0, 1), "y": data()[0].transpose(0, 1), "objective": "step_regression"},
     "task own task: a split names sample 6, but x is [T, N, I] = [100, 6, 3] with 6 samples; time comes first: if "
     "samples come first in x, give x.transpose(0, 1)"),
    ({"y": torch.nn.functional.one_hot(LABELS), "objective": "classification"},
     "task own task: classification needs one label per sample, target [N] (got [100, 3]); for labels in every frame use the "
     'objective "step_classification"; convert one-hot targets to labels with argmax'),
    ({"y": LABELS - 1, "objective": "classification"},
     "task own task: class labels must be in 0..1 (got -1 to 1)"),
    ({"y": LABELS, "objective": "classification", "outputs": 2},
     "task own task: class labels must be in 0..1 (got 0 to 2)"),
    ({"y": LABELS.float(), "objective": "classification", "outputs": 3},
     "task own task: class labels must be integers (got float32); use .long()"),
    ({"splits": {"train": range(60), "test": range(60, 100)}},
     'task own task: the split "validation" is missing or empty; give train, validation, test'),
    ({"splits": {"train": range(60), "valid": range(60, 80), "test": range(80, 100)}},
     'task own task: the split "valid" is not known (did you mean "validation"?); give train, validation, test'),
    ({"splits": {**SPLITS, "test": [0.5]}}, 'task own task: the split "test" must contain sample numbers (got float64)'),
    ({"objective": "regresion"}, 'objective "regresion" is not known (did you mean "regression"?)'),
])  # fmt: skip
def test_what_is_wrong_with_arrays_is_said(changes, told):
    with pytest.raises(nr.InputError) as caught:
        from_arrays(**changes)
    assert str(caught.value).startswith(told)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(("dataset", "more", "told"), [
    (iter([]), {}, "task own task: a dataset must have a length and numbered samples (got list_iterator); convert an iterable "
     "to a list first"),
    ([], {}, "task own task: the dataset is empty"),
    ([torch.zeros(3)], {}, "task own task: sample 0 must be (x, target) (got Tensor)"),
    ([(torch.zeros(1, 8, 8), 0)], {}, "task own task: x of sample 0 must be [T, I], or [I] for one frame (got [1, 8, 8]); "
     "reshape it in the dataset's transform"),
    (Unequal(), {"objective": "step_regression"},
     "task own task: sample 0 has 2 frames and needs the same number of targets (got [1])"),
    (Unequal(), {"fractions": (0.5, 0.6, 0.1)}, "task own task: fractions must be three positive shares (train, validation, "
     "test) that sum to 1 (got [0.5, 0.6, 0.1])"),
])  # fmt: skip
def test_what_is_wrong_with_a_dataset_is_said(dataset, more, told):
    with pytest.raises(nr.InputError) as caught:
        nr.Task.from_dataset(dataset, **({"objective": "regression"} | more))
    assert str(caught.value) == told


def trained(model=None, task=None, rule="bptt", **changes):
    nr.train(model or module(), task or regression(), rule, **({"settings": SETTINGS, "device": "cpu"} | changes))


WIDE = "module Answering: x [T, B, I] = [2, 1, 3] must give y [T, B, O] = [2, 1, 1] (got [2, 1, 2])"


@pytest.mark.parametrize(("asked", "told"), [
    ({"settings": None}, "your own model has no card; give settings = {...} with the keys of bptt: epochs, batch_size,"),
    ({"settings": {k: v for k, v in SETTINGS.items() if k != "epochs"}},
     "settings of bptt: epochs: this key is missing; add it"),
    ({"settings": {**SETTINGS, "learning_rat": 1.0}},
     'settings of bptt: key "learning_rat" is not known (did you mean "learning_rate"?)'),
    ({"model": module(outputs=2)}, WIDE),
    ({"model": module(inputs=4)}, "module Answering cannot take x [T, B, I] = [2, 1, 3]: "),
    ({"model": torch.nn.Identity()}, WIDE.replace("Answering", "Identity").replace("[2, 1, 2]", "[2, 1, 3]")),
    ({"model": "lif_vs_elman"}, "train needs half of a pair (nr.load_pair(...).spiking) or a torch module (got str)"),
    ({"task": "row_digits"}, "task must be a Task, as from nr.load_task or nr.Task.from_arrays (got str)"),
    ({"rule": "btpt"}, 'rule "btpt" is not known (did you mean "bptt"?)'),
    ({"rule": "stdp", "settings": None}, "rule STDP cannot train Answering: its units send values, but STDP pairs spikes"),
    ({"model": nr.load_pair("lif_vs_elman").rate, "settings": None},
     'pair lif_vs_elman, rate half: the card has no training for task "own task"; give settings = {...} with the keys'),
    ({"rule": 3}, "rule must be a registered name or a Rule class (got 3); names: "),
    ({"rule": "ridge", "settings": {"epochs": 1, "batch_size": 9, "penalties": [1.0]}},
     "rule ridge readout cannot train Answering: its output is not a plain readout of the layers"),
    ({"settings": {**SETTINGS, "count_readout_penalties": [1.0]}},
     "count_readout_penalties: Answering has no plain readout to refit"),
    ({"task": nr.load_task("delayed_match_to_sample", 0), "model": module(inputs=5, outputs=3)},
     "rule BPTT cannot learn task delayed_match_to_sample: it learns from errors of the outputs, but the task "
     "offers only inputs or rewards"),
])  # fmt: skip
def test_what_cannot_be_trained_is_said_before_anything_starts(asked, told):
    with pytest.raises(nr.InputError) as caught:
        trained(**asked)
    assert str(caught.value).startswith(told)


def test_a_module_cannot_act_step_by_step():
    settings = {**SETTINGS, "baseline_rate": 0.1, "entropy_weight": 0.0, "discount": 1.0}
    with pytest.raises(nr.CannotRun, match="module Answering cannot be run step by step; write it as a Cell"):
        trained(
            module(inputs=5, outputs=3),
            nr.load_task("delayed_match_to_sample", 0),
            "policy_gradient",
            settings=settings,
        )


def test_an_energy_model_cannot_do_what_layers_can():
    half, task = nr.load_pair("hopfield").rate, nr.load_task("pattern_recall", 0)
    with pytest.raises(
        nr.CannotRun, match="Hopfield network has no recurrent weights to freeze: it is an energy model"
    ):
        nr.train(half, task, "hebbian", freeze_recurrence=True)
    with pytest.raises(nr.CannotRun, match="rule Hebbian storage cannot learn task row_digits: it stores the inputs"):
        nr.train(half, nr.load_task("row_digits", 0), "hebbian", settings={"epochs": 1, "batch_size": 1})
    grey = dataclasses.replace(task, x=task.x * 0.5)
    with pytest.raises(
        nr.InputError, match=r"Hopfield network: an input must set each of 200 units to -1 or 1 \(got -?0.5\)"
    ):
        nr.train(half, grey, "hebbian")


def test_what_python_prints_of_a_task_a_batch_and_a_run_is_one_line():
    task = regression()
    assert repr(task).startswith("Task(own task: ")
    assert repr(task).endswith(", regression)")
    run = nr.train(module(), task, "bptt", settings=SETTINGS, device="cpu")
    assert repr(run).startswith("Run(own (rate), BPTT on own task, seed 0: test ")
    for each in (task, task.split("test"), run.activity, run):
        assert len(repr(each)) < 150
        assert "\n" not in repr(each)
    with pytest.raises(nr.CannotRun, match="torch modules of your own are not exported"):
        nr.export(run, to="nir", path="x.nir")
