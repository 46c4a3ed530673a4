"""Interventions: what a rule sees instead, to which rules they apply, and that a study runs them as controls."""

from dataclasses import replace

import pytest
import torch

from neurorec.basics.errors import CannotRun, InputError
from neurorec.experiments.plan import Options, plan_runs
from neurorec.experiments.study import load_study
from neurorec.learning.intervention import intervened, interventions, why_not_intervene
from neurorec.learning.interventions.desynchronised_phases import shifted
from neurorec.learning.interventions.quantised_messages import three_values
from neurorec.learning.rule import OBJECTIONS, Info, Rule, TrainingCard, rules
from neurorec.tasks.batch import Batch
from neurorec.tasks.objective import objectives
from neurorec.tasks.task import load_task
from neurorec.training import load_pair, train
from tests.experiments.tiny import write_study

CARD = TrainingCard(rule="told", task="t", epochs=1, batch_size=4)


class Told(Rule):
    """Notes what it is given."""

    title, sources, equations, signal = "told", (), "", "errors"
    sees = ("pre", "modulator", "feedback weights")

    @classmethod
    def why_not(cls, model):
        return None

    def init(self, model, engine, objective, generator):
        self.batches = []

    def step(self, model, state, batch):
        self.batches.append(batch)
        return state, Info(None, 1)

    @staticmethod
    def change(synapses):
        return synapses.modulator @ synapses.feedback


def under(name, rule=Told):
    told = intervened(name, rule)(CARD)
    told.init(None, None, None, torch.Generator().manual_seed(0))
    return told


def feedback_seen(told, feedback):
    """What `change` sees of the feedback weights, by means of unit signals."""
    return told.changed(torch.zeros(feedback.shape[1], 1), modulator=torch.eye(len(feedback)), feedback=feedback)


def test_every_intervention_is_about_one_objection_and_says_what_it_does():
    assert {one.objection for one in map(interventions.__getitem__, interventions)} <= set(OBJECTIONS)
    assert all(interventions[name].about for name in interventions)


def test_random_feedback_is_drawn_once_and_frozen_feedback_stays():
    first, later = torch.full((2, 3), 2.0), torch.ones(2, 3)
    random, frozen = under("random feedback"), under("frozen feedback")
    drawn = feedback_seen(random, first)
    assert not torch.equal(drawn, first)
    assert drawn.abs().mean() == pytest.approx(2.0, rel=0.7)  # of the same size
    assert torch.equal(feedback_seen(random, later), drawn)
    assert torch.equal(feedback_seen(frozen, first), first)
    assert torch.equal(feedback_seen(frozen, later), first)
    own = torch.eye(3)
    assert torch.equal(feedback_seen(random, own), own)  # a unit's own error is not a weight
    assert not torch.equal(feedback_seen(under("random feedback"), later), drawn)  # belongs to one training


def test_quantised_messages_take_three_values_whose_mean_is_the_message():
    signal = torch.tensor([[4.0, -2.0, 0.5, 0.0]]).expand(20_000, 4)
    shown = under("quantised messages").changed(torch.zeros(4, 1), modulator=signal, feedback=torch.eye(4))
    assert shown.unique().tolist() == [-4.0, 0.0, 4.0]
    torch.testing.assert_close(
        shown.mean(0), signal[0], rtol=0, atol=0.08
    )  # 5 standard errors at most, of 4 x 0.5 / 141
    assert not torch.equal(*(three_values(signal, torch.Generator().manual_seed(seed)) for seed in (0, 1)))
    assert not three_values(torch.zeros(3), torch.Generator()).any()


def test_shuffled_targets_are_those_of_other_samples():
    target, x = torch.arange(16), torch.rand(3, 16, 2)
    told = under("shuffled targets")
    told.step(None, None, Batch(x, target, torch.ones(3) > 0))
    (seen,) = told.batches
    assert torch.equal(seen.x, x)
    assert not torch.equal(seen.target, target)
    assert torch.equal(seen.target.sort().values, target)
    per_frame = target.expand(3, 16)
    told.step(None, None, Batch(x, per_frame, torch.ones(3) > 0, per_frame=True))
    assert torch.equal(told.batches[1].target[0], told.batches[1].target[2])


def test_phases_shift_by_sample_and_never_vanish():
    mask = torch.tensor([0, 0, 1, 1, 0, 0]) > 0
    found = shifted(mask, torch.tensor([0, 1, -2, 5]), 4)
    assert found.T.int().tolist() == [[0, 0, 1, 1, 0, 0], [0, 0, 0, 1, 1, 0], [1, 1, 0, 0, 0, 0], [0, 0, 1, 1, 0, 0]]
    told = under("desynchronised phases")
    told.step(None, None, Batch(torch.zeros(40, 64, 1), None, torch.arange(40) // 10 == 1, steps_per_frame=2))
    starts = told.batches[0].mask.int().argmax(0)
    assert set(starts.tolist()) == {6, 8, 10, 12, 14}  # whole frames, up to a tenth of 20


def test_feedback_of_several_layers_is_replaced_layer_by_layer():
    feedback = torch.full((2, 3), 2.0)
    random = under("random feedback")
    by_layer = [random.seen(torch.zeros(3, 1), at, feedback=feedback).feedback for at in ("first", "second", "first")]
    assert not torch.equal(by_layer[0], by_layer[1])
    assert torch.equal(by_layer[0], by_layer[2])


def test_a_number_for_all_units_is_no_feedback_weight():
    same = torch.ones(1, 3)
    assert torch.equal(under("random feedback").seen(torch.zeros(3, 1), feedback=same).feedback, same)


def test_a_rule_that_does_not_name_its_layers_cannot_have_the_feedback_of_several_replaced():
    deep = load_pair("stacked_with_skips").spiking.outline()
    told = intervened("frozen feedback", Told)(CARD)
    told.init(deep, None, None, torch.Generator())
    with pytest.raises(CannotRun) as refused:
        feedback_seen(told, torch.ones(2, 3))
    assert str(refused.value) == (
        "rule told: `changed` does not say to which of several layers the feedback weights belong, so they cannot be replaced; "
        "pass at=NAME, the name of the layer"
    )


def test_two_layers_learn_with_random_feedback_of_their_own():
    half, task = load_pair("stacked_with_skips").rate, load_task("row_digits", 0)
    card = rules["direct_feedback_alignment"].Card(
        rule="direct_feedback_alignment", task="row_digits", epochs=1, batch_size=32, learning_rate=1e-2,
        learning_rate_decay=1.0, clip_norm=1.0, rate_target=0.0, rate_weight=0.0,
    )  # fmt: skip
    half = replace(half, trainings=(card,))
    assert why_not_intervene("random feedback", rules[card.rule], half.outline()) is None
    plain, frozen, random = (
        train(half, task, card.rule, max_epochs=1, max_samples=64, intervention=name).network.state_dict()
        for name in (None, "frozen feedback", "random feedback")
    )
    moved = [name for name in plain if name.endswith("w_in")]
    assert len(moved) == 2
    for name in moved:
        assert torch.equal(plain[name], frozen[name])  # fixed anyway
        assert not torch.equal(plain[name], random[name])


def test_a_rule_without_a_teaching_signal_has_no_messages_to_quantise():
    """The modulator of contrastive divergence only tells its phases apart; it is not what a target or reward says."""
    for name in ("contrastive_divergence", "persistent_contrastive_divergence", "boltzmann_learning"):
        for intervention in ("quantised messages", "desynchronised phases"):
            assert why_not_intervene(intervention, rules[name], None) == "its synapses receive no teaching signal"
    assert why_not_intervene("quantised messages", rules["three_factor_reward"], None) is None


@pytest.mark.parametrize("name", ["random feedback", "quantised messages"])
def test_an_intervention_reaches_the_traces_of_a_three_factor_rule(name):
    """Its eligibility traces are tagged through feedback weights, by what the outputs send."""
    rule, told = rules["three_factor_reward"], []

    class Listening(rule):
        @staticmethod
        def tag(synapses):
            told.append((synapses.modulator.clone(), synapses.feedback.clone()))
            return rule.tag(synapses)

    half, generator = load_pair("delayed_match_local").rate, torch.Generator().manual_seed(1)
    x, actions = torch.rand(6, 4, 3, generator=generator), torch.randint(2, (6, 4), generator=generator)
    reward = torch.rand(6, 4, generator=generator)
    batch = Batch(x, actions, torch.ones(6, dtype=torch.bool), per_frame=True, reward=reward)
    seen = []
    for each in (Listening, intervened(name, Listening)):
        network = half.build(3, 2, torch.Generator().manual_seed(0))
        method = each(half.trainings[0])
        state = method.init(network, None, objectives["reward"](), torch.Generator().manual_seed(0))
        told.clear()
        method.step(network, state, batch)
        seen.append(next(one for one in told if one[1].shape == (2, 64)))
    replaced = 1 if name == "random feedback" else 0
    assert not torch.equal(seen[0][replaced], seen[1][replaced])
    assert torch.equal(seen[0][1 - replaced], seen[1][1 - replaced])


def test_a_rule_may_declare_its_own_way():
    class Own(Told):
        sees = ("whole graph",)
        interventions = {"desynchronised phases": {"epochs": 7}}  # noqa: RUF012

    assert why_not_intervene("desynchronised phases", Own, None) is None
    assert under("desynchronised phases", Own).card.epochs == 7
    assert "whole graph" in why_not_intervene("quantised messages", Own, None)


def test_each_intervention_suits_some_registered_rules_and_backpropagation_only_shuffled_targets():
    half = load_pair("lif_vs_elman").spiking
    network = half.outline()
    able = {
        name: [rule for rule in rules if why_not_intervene(name, rules[rule], network) is None]
        for name in interventions
    }
    assert all("eprop" in names for names in able.values())
    assert [name for name, names in able.items() if "bptt" in names] == ["shuffled targets"]
    assert "stdp" not in able["quantised messages"]


def test_shuffled_targets_change_what_e_prop_learns_and_training_without_them_is_as_before():
    half, task = load_pair("eprop_lif_vs_elman").spiking, load_task("store_recall", 0)
    short = {"max_epochs": 2, "max_samples": 128}
    before, shuffled = (
        train(half, task, "eprop", **short),
        train(half, task, "eprop", intervention="shuffled targets", **short),
    )
    again = train(half, task, "eprop", **short)
    weights = [run.network.state_dict()["layers.hidden.w_in"] for run in (before, shuffled, again)]
    assert not torch.equal(weights[0], weights[1])
    assert torch.equal(weights[0], weights[2])
    with pytest.raises(CannotRun) as refused:
        train(load_pair("lif_vs_elman").spiking, task, "bptt", intervention="random feedback")
    assert str(refused.value) == ("random feedback: rule BPTT on recurrent LIF: it has no feedback weights of its own")


def study(folder, controls, more="", pairs="tiny"):
    card = write_study(folder)
    text = card.read_text().replace('["baselines", "frozen recurrence"]', controls)
    card.write_text(text.replace("[quick]", f"{more}\n[quick]").replace('"tiny"', f'"{pairs}"'))
    return load_study(card)


def test_a_study_plans_interventions_as_controls_with_ids_of_their_own(tmp_path):
    found = study(tmp_path, '["frozen recurrence", "shuffled targets", "random feedback"]')
    specs = plan_runs(found, Options((0,), device="cpu"))
    assert [spec.control for spec in specs if spec.half == "spiking"] == ["", "frozen recurrence", "shuffled targets"]
    both = study(tmp_path / "both", '["frozen recurrence", "frozen feedback"]', pairs="eprop_lif_vs_elman")
    specs = [spec for spec in plan_runs(both, Options((0,), device="cpu")) if spec.rule == "eprop"]
    assert len({spec.run_id for spec in specs}) == len(specs) == 3 * 2
    limited = study(tmp_path / "two", '["shuffled targets"]', 'interventions_on = ["store_recall"]')
    assert len(plan_runs(limited, Options((0,), device="cpu"))) == 4


@pytest.mark.parametrize(
    ("controls", "more", "message"),
    [
        ('["random fedback"]', "", 'study.toml: controls: "random fedback" is not known (did you mean "random feedback"?); '
         "known: baselines, frozen recurrence, other rounding, desynchronised phases, "),
        ('["baselines"]', 'interventions_on = ["store_recall"]', "study.toml: interventions_on: add "
         '"desynchronised phases" to controls, or remove this key'),
        ('["random feedback"]', 'interventions_on = ["store_recal"]', 'study.toml: interventions_on: no pair has a training on '
         '"store_recal" (did you mean "store_recall"?); they have: store_recall'),
    ],
)  # fmt: skip
def test_unknown_controls_are_refused(tmp_path, controls, more, message):
    with pytest.raises(InputError) as refused:
        study(tmp_path, controls, more)
    assert message in str(refused.value)
