"""The table of chips in hardware/README.md, generated from the cards; a test checks that the file is current."""

import neurorec.models.cells
import neurorec.models.reservoirs  # noqa: F401  (these two register every cell)
from neurorec.hardware.chip import Chip, chip_names, load_chip
from neurorec.models.cell import cells

HEAD = """# Chips

These are cards, one chip a file; the code that reads them is `neurorec/hardware/`. To add one, copy a file, change its
numbers and their sources, and run `neurorec check hardware/NAME.toml`. What the numbers mean: `docs/hardware.md`.
Per-term and all-in totals never share a column. This table is generated: `python -m neurorec.hardware.listing`.

| chip | scope | runs | trains by | no price for |
|---|---|---|---|---|
"""


def unpriced_terms(chip: Chip) -> list[str]:
    """Terms that the card must price and has no number for."""
    stated = chip.stated_terms()
    return [term for term in (*chip.must_price, *chip.must_price_training) if term not in stated]


def hardware_readme() -> str:
    """The text of hardware/README.md."""
    rows = []
    for name in chip_names():
        chip = load_chip(name)
        runs = _runs(chip)
        trains, unpriced = ", ".join(chip.trains) or "-", ", ".join(unpriced_terms(chip)) or "-"
        rows.append(f"| {name} | {chip.scope} | {runs} | {trains} | {unpriced} |")
    return HEAD + "\n".join(rows) + "\n"


def _runs(chip: Chip) -> str:
    """Names of cells; every cell, where it runs all of them; or that it is a reference point."""
    if not chip.runs:
        return "nothing: a reference point"
    missing = [cell for cell in cells if cell not in chip.runs]
    return ", ".join(chip.runs) if missing else "every cell"


if __name__ == "__main__":
    from neurorec.basics.cards import card_folder

    (card_folder("hardware") / "README.md").write_text(hardware_readme(), encoding="utf-8")
