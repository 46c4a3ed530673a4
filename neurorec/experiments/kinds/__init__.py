"""All kinds of study, one per file; importing this folder registers them. A card states its `kind` (default: "training")."""

from pathlib import Path

from neurorec.basics.cards import find_card, read_toml
from neurorec.basics.citations import cite
from neurorec.basics.registry import import_members
from neurorec.experiments.kind import AnyStudy, study_kinds

import_members(__name__, __path__)


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
