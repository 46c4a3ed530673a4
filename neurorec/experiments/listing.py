"""The tables of pairs and studies in models/README.md and experiments/README.md, generated from the cards."""

from neurorec.basics.cards import card_folder, card_names
from neurorec.experiments.kinds import kind_of, load_any_study
from neurorec.training import load_pair

MODELS = """# Pairs

These are cards, one pair of a rate-based and a spiking network a file; the code that reads them is `neurorec/models/` (cells)
and `neurorec/training/` (trainings). To add one, copy a file, change it, and run `neurorec check models/NAME.toml`.
This table is generated: `python -m neurorec.experiments.listing`.

| pair | rate half | spiking half | trainings |
|---|---|---|---|
"""
EXPERIMENTS = """# Studies

These are cards, one question a file; the code that reads them is `neurorec/experiments/`. To add one, copy a file, change
it, run `neurorec check experiments/NAME.toml` and then `neurorec run NAME`.
This table is generated: `python -m neurorec.experiments.listing`.

| study | kind | question | pairs | chips | seeds |
|---|---|---|---|---|---|
"""


def models_readme() -> str:
    """The text of models/README.md."""
    rows = []
    for name in card_names("models"):
        pair = load_pair(name)
        rate, spiking = (
            pair.parts[name].architecture.title if name in pair.parts else "none" for name in ("rate", "spiking")
        )
        trainings = sorted(
            {f"{training.rule} on {training.task}" for half in pair.halves for training in half.trainings}
        )
        rows.append(f"| {name} | {rate} | {spiking} | {', '.join(trainings)} |")
    return MODELS + "\n".join(rows) + "\n"


def experiments_readme() -> str:
    """The text of experiments/README.md."""
    rows = []
    for name in card_names("experiments"):
        card = load_any_study(name).card
        taking_part = (", ".join(map(str, getattr(card, key, []))) or "-" for key in ("pairs", "chips", "seeds"))
        rows.append(f"| {name} | {kind_of(name)} | {card.question} | {' | '.join(taking_part)} |")
    return EXPERIMENTS + "\n".join(rows) + "\n"


if __name__ == "__main__":
    (card_folder("models") / "README.md").write_text(models_readme(), encoding="utf-8")
    (card_folder("experiments") / "README.md").write_text(experiments_readme(), encoding="utf-8")
