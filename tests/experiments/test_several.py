"""One table of a study card for several names: what it stands for, and cards that cannot work."""

import pytest

from neurorec.basics.errors import InputError
from neurorec.experiments.analyses.analysis_card import quickened
from neurorec.experiments.kinds import load_any_study
from neurorec.experiments.kinds.trainings import prepare_study
from neurorec.experiments.several import spelled_out
from tests.experiments.tiny import TRAINING, write_study

WORDS = {"rate": "Elman", "spiking": "LIF", "tomita_1": "language 1"}
LEARN = {
    "claim": "{half} learns {task}.",
    "pair": "p",
    "half": ["rate", "spiking"],
    "task": ["tomita_1", "reber"],
    "bar": 1.0,
}
AUTOMATON = {"of": "automaton", "name": "{half} automaton", "pair": "p", "half": ["rate", "spiking"], "task": "reber"}


def tables(kind, **card):
    return [table for group in spelled_out(card)[kind] for table in group]


def test_a_table_with_lists_stands_for_every_combination_with_words_in_its_texts():
    found = tables("finding", words=WORDS, finding=[LEARN])
    assert [table["claim"] for table in found] == [
        "Elman learns language 1.", "Elman learns reber.", "LIF learns language 1.", "LIF learns reber.",
    ]  # fmt: skip
    assert [(table["half"], table["task"], table["bar"]) for table in found][1:3] == [
        ("rate", "reber", 1.0),
        ("spiking", "tomita_1", 1.0),
    ]


def test_words_may_depend_on_another_name():
    words = {"p": {"rate": "A network of p", "spiking": "A spiking network of p"}, "reber": "strings"}
    found = tables(
        "finding",
        words=words,
        finding=[LEARN | {"pair": ["p", "q"], "task": "reber", "claim": "{half} of {pair}: {task}"}],
    )
    assert [table["claim"] for table in found] == [
        "A network of p of p: strings", "A spiking network of p of p: strings", "rate of q: strings", "spiking of q: strings",
    ]  # fmt: skip


def test_a_finding_about_an_analysis_of_several_trainings_is_one_claim_about_each():
    claim = {"claim": "{half} becomes it for {task}.", "analysis": "{half} automaton", "value": "states"}
    found = tables("finding", words=WORDS, analysis=[AUTOMATON | {"task": "tomita_1"}], finding=[claim])
    assert found == [
        {"claim": "Elman becomes it for language 1.", "analysis": "Elman automaton", "value": "states"},
        {"claim": "LIF becomes it for language 1.", "analysis": "LIF automaton", "value": "states"},
    ]
    selected = spelled_out({"analysis": [AUTOMATON], "finding": [claim | {"half": "spiking"}]})["finding"]
    assert [table["analysis"] for (table,) in selected] == ["spiking automaton"]


def test_swept_values_may_be_lists_too():
    claim = {
        "claim": "A {circuit} of {half} units",
        "analysis": "circuits",
        "at": {"circuit": ["latch", "adder"], "half": "rate"},
    }
    assert [(table["claim"], table["at"]) for table in tables("finding", finding=[claim])] == [
        ("A latch of rate units", {"circuit": "latch", "half": "rate"}),
        ("A adder of rate units", {"circuit": "adder", "half": "rate"}),
    ]


SEVERAL = """
[words]
store_recall = "one bit"
[[analysis]]
of = "gradient_flow"
name = "{half} flow"
pair = "tiny"
half = ["rate", "spiking"]
rule = "bptt"
task = "store_recall"
settings = { samples = 3, most_steps = 10 }
[[finding]]
claim = "Gradients of {half} networks that remember {task} vanish."
analysis = "{half} flow"
value = "growth per step"
between = [0.0, 1.0]
[[finding]]
claim = "{half} networks remember {task}."
pair = "tiny"
half = ["rate", "spiking"]
rule = "bptt"
task = "store_recall"
bar = 0.9
[quick.settings]
gradient_flow = { samples = 2, most_steps = 8 }
"rate flow" = { samples = 1 }
"""


def test_a_study_is_checked_as_its_tables_spelled_out(tmp_path):
    card = write_study(tmp_path)
    card.write_text(card.read_text() + SEVERAL)
    study = load_any_study(card).card
    assert [(each.name, each.half) for each in study.analysis] == [("rate flow", "rate"), ("spiking flow", "spiking")]
    assert [(claim.claim, claim.analysis, claim.half) for claim in study.finding] == [
        ("Gradients of rate networks that remember one bit vanish.", "rate flow", ""),
        ("Gradients of spiking networks that remember one bit vanish.", "spiking flow", ""),
        ("rate networks remember one bit.", "", "rate"),
        ("spiking networks remember one bit.", "", "spiking"),
    ]


def test_quick_settings_of_a_kind_are_for_all_analyses_of_it_and_those_of_a_name_come_first(tmp_path):
    card = write_study(tmp_path)
    card.write_text(card.read_text() + SEVERAL)
    study = load_any_study(card).card
    assert [quickened(each, study.quick).settings for each in study.analysis] == [
        {"samples": 1, "most_steps": 8},
        {"samples": 2, "most_steps": 8},
    ]


@pytest.mark.parametrize(
    ("old", "new", "told"),
    [
        ('half = ["rate", "spiking"]', "half = []", "analysis.0.half: the list is empty; name at least one"),
        (
            'half = ["rate", "spiking"]',
            'half = ["rate", "rate"]',
            'analysis.0.half: "rate" is listed twice; remove one',
        ),
        ('half = ["rate", "spiking"]', 'half = ["rate", 3]', r"analysis.0.half: must be a valid string \(got 3\)"),
        ('of = "gradient_flow"', 'of = ["gradient_flow"]', "analysis.0.of: must be a valid string"),
        (
            "{half} flow",
            "{haf} flow",
            r"name: \{haf\} is not a placeholder of this table; it has: pair, half, rule, task",
        ),
        ("{half} flow", "flow", r"analysis.0.name: several tables would have the same name; write \{half\} in it"),
        (
            "{half} networks remember",
            "They remember",
            r"finding.1.claim: several tables would have the same claim; write \{half\}",
        ),
        (
            'analysis = "{half} flow"',
            'analysis = "{half} flow"\nhalf = "spikin"',
            r'finding.0.half: analysis "\{half\} flow" has no half "spikin" \(did you mean "spiking"\?\); it has: rate, sp',
        ),
        (
            'analysis = "{half} flow"',
            'analysis = "{half} flux"',
            r'finding.0.analysis: no \[\[analysis\]\] has the name "\{half\} flux" \(did you mean "\{half\} flow"\?\); known: ',
        ),
        (
            "store_recall = ",
            "store_recal = ",
            r'words: "store_recal" is not used by any table \(did you mean "store_recall"',
        ),
        ('"one bit"', "3", "words.store_recall"),
        ("bar = 0.9", "bar = 0.9\nbaar = 1", r'finding.1: key "baar" is not known \(did you mean "bar"'),
        ("gradient_flow = {", "gradient_flo = {", 'quick.settings: there is no analysis "gradient_flo"'),
        ("samples = 2", "samples = 0", "quick, analysis spiking flow.samples: must be greater than or equal to 1"),
    ],
)
def test_cards_that_cannot_work_are_refused_with_the_number_of_the_table_as_written(tmp_path, old, new, told):
    card = write_study(tmp_path)
    assert old in SEVERAL
    card.write_text(card.read_text() + SEVERAL.replace(old, new, 1))
    with pytest.raises(InputError, match=told):
        load_any_study(card)


def test_a_table_for_thousands_is_refused():
    many = [str(number) for number in range(40)]
    with pytest.raises(ValueError, match=r"^finding.0: its lists have 1,600 combinations; at most 1,000 are allowed$"):
        spelled_out({"finding": [LEARN | {"half": many, "task": many}]})


def test_the_control_with_frozen_recurrence_may_be_limited_to_some_tasks(tmp_path):
    card = write_study(tmp_path)
    text = card.read_text()
    controls = 'controls = ["baselines", "frozen recurrence"]'
    pair = card.with_name("tiny.toml")
    pair.write_text(
        pair.read_text() + TRAINING.format(half="rate", task="binary_addition", epochs=1, learning_rate=0.01)
    )
    assert frozen_tasks(card) == {"store_recall", "binary_addition"}
    card.write_text(text.replace(controls, f'{controls}\nfrozen_on = ["binary_addition"]'))
    assert frozen_tasks(card) == {"binary_addition"}
    card.write_text(text.replace(controls, f"{controls}\nfrozen_on = []"))
    assert frozen_tasks(card) == set()
    for new, told in (
        (
            f'{controls}\nfrozen_on = ["store"]',
            r'frozen_on: no pair has a training on "store" \(did you mean "store_recall"',
        ),
        (
            'controls = []\nfrozen_on = ["store_recall"]',
            'frozen_on: add "frozen recurrence" to controls, or remove this key',
        ),
    ):
        card.write_text(text.replace(controls, new))
        with pytest.raises(InputError, match=told):
            load_any_study(card)


def frozen_tasks(card):
    return {spec.task for spec in prepare_study(card).specs if spec.control == "frozen recurrence"}
