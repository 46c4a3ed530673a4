"""The table of chips in hardware/README.md, generated from the cards; a test checks that the file is current."""

from neurorec.hardware.chip import Chip, chip_names, load_chip

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
        runs = ", ".join(chip.runs)
        trains, unpriced = ", ".join(chip.trains) or "-", ", ".join(unpriced_terms(chip)) or "-"
        rows.append(f"| {name} | {chip.scope} | {runs} | {trains} | {unpriced} |")
    return HEAD + "\n".join(rows) + "\n"


if __name__ == "__main__":
    from neurorec.basics.cards import card_folder

    (card_folder("hardware") / "README.md").write_text(hardware_readme(), encoding="utf-8")
