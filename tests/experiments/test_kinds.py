"""Every study card says what kind it is; every kind can be loaded, run and reported."""

import pytest

from neurorec.basics.cards import card_names
from neurorec.basics.errors import InputError
from neurorec.experiments.kind import Asked, study_kinds
from neurorec.experiments.kinds import kind_of, load_any_study
from neurorec.report.pages import page_of
from neurorec.report.studies import run_asked
from tests.experiments.tiny import write_study


@pytest.mark.parametrize("name", list(study_kinds))
def test_every_kind_of_study_has_a_page_for_its_results(name):
    assert study_kinds[name].results in page_of.registry


@pytest.mark.parametrize("name", card_names("experiments"))
def test_every_study_of_the_catalogue_is_of_a_known_kind(name):
    study = load_any_study(name)
    assert kind_of(name) in study_kinds
    assert study.name == name
    assert study.card.about
    assert study.card.question.endswith("?")
    assert study.sources() == sorted(study.sources())


def test_a_card_without_a_kind_trains_and_an_unknown_kind_is_named(tmp_path):
    card = write_study(tmp_path)
    assert kind_of(card) == "training"
    card.write_text('kind = "trainning"\n' + card.read_text())
    told = r'study kind "trainning" is not known \(did you mean "training"\?\); known: '
    with pytest.raises(InputError, match=told):
        load_any_study(card)
    with pytest.raises(InputError, match=told):
        run_asked(Asked(str(card), out=tmp_path / "out"))


def test_options_of_trainings_are_refused_where_nothing_is_trained():
    with pytest.raises(InputError, match=r"^--seeds: counting trains nothing; omit this option$"):
        Asked("counting", seeds=2).refuse(("seeds", "jobs"), "trains nothing")
    Asked("counting", quick=True).refuse(("seeds", "jobs"), "trains nothing")
