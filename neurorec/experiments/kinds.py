"""All kinds of study. A card states its `kind`; the default is "training"."""

from pathlib import Path

from neurorec.basics.cards import find_card, read_toml
from neurorec.basics.citations import cite
from neurorec.experiments.communication.kind import Communication
from neurorec.experiments.kind import AnyStudy, study_kinds
from neurorec.experiments.silicon.kind import SiliconChecks
from neurorec.experiments.trainings import Trainings

study_kinds.register("training")(Trainings)
study_kinds.register("communication")(Communication)
study_kinds.register("silicon_validation")(SiliconChecks)


def kind_of(name: str | Path) -> str:
    """The kind of the study card `name` (from the catalogue, or a path)."""
    return str(read_toml(find_card("experiments", name)).get("kind", "training"))


def load_any_study(name: str | Path) -> AnyStudy:
    """The study `name` of any kind, checked.

    Raises
    ------
    InputError
        For an unknown name or kind, an invalid card, or a published figure without a known source.
    """
    study = study_kinds[kind_of(name)]().load(name)
    for claim in study.card.finding:
        if claim.published is not None:
            cite(claim.published.source)
    return study
