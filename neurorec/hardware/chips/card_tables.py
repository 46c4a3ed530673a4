"""The tables of chips and links in hardware/ and hardware/links/, generated from the cards; tests check that they are
current."""

import neurorec.learning
import neurorec.models.cells
import neurorec.models.reservoirs  # noqa: F401  (these three register every rule and cell)
from neurorec.basics.registry import Registry
from neurorec.hardware.chips.chip import Chip, chip_names, load_chip, needs_of_cell
from neurorec.hardware.chips.evidence import Quantity
from neurorec.hardware.chips.link import LINKS, Link, link_names, load_link
from neurorec.learning.rule import rules
from neurorec.models.cell import cells

HEAD = """# Chips

These are cards, one chip a file; the code that reads them is `neurorec/hardware/`. To add one, copy a file, change its
numbers and their sources, and run `neurorec check hardware/NAME.toml`. What the numbers mean: `docs/hardware.md`.
Per-term and all-in totals never share a column. Links between chips are cards too, in `links/`.
This table is generated: `python -m neurorec.hardware.chips.card_tables`.

| chip | scope | runs | trains by | no price for |
|---|---|---|---|---|
"""

LINKS_HEAD = """# Links

These are cards, one way to join workers a file; the code that reads them is `neurorec/hardware/chips/link.py`. To add one,
copy a file, change its numbers and their sources, and run `neurorec check hardware/links/NAME.toml`. What is empty was not
found in a source and is not known. Bandwidth is of one worker in one direction. This table is generated:
`python -m neurorec.hardware.chips.card_tables`.

| link | joins | up to | energy, pJ a bit | priced per | latency, ns | bandwidth, Gbit/s |
|---|---|---|---|---|---|---|
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
        runs = _names(run_by(chip), cells) if chip.offers else "nothing: a reference point"
        trains = _names(trained_by(chip), rules)
        unpriced = ", ".join(unpriced_terms(chip)) or "-"
        rows.append(f"| {name} | {chip.scope} | {runs} | {trains} | {unpriced} |")
    return HEAD + "\n".join(rows) + "\n"


def links_readme() -> str:
    """The text of hardware/links/README.md."""
    return LINKS_HEAD + "\n".join(_link_row(name, load_link(name)) for name in link_names()) + "\n"


def _link_row(name: str, link: Link) -> str:
    up_to = str(link.workers.count) if link.workers else ""
    numbers = [_with_band(quantity) for quantity in (link.energy, link.latency, link.bandwidth)]
    return f"| {name} | {link.joins} | {up_to} | {numbers[0]} | {link.priced_per} | {numbers[1]} | {numbers[2]} |"


def _with_band(quantity: Quantity | None) -> str:
    if quantity is None:
        return ""
    band = quantity.as_band()
    return f"{band.value:g} ({band.low:g} to {band.high:g})" if quantity.has_band else f"{band.value:g}"


def run_by(chip: Chip) -> list[str]:
    """The registered cells that the chip runs."""
    return [name for name in cells if chip.refusal(needs_of_cell(cells[name])) is None]


def trained_by(chip: Chip) -> list[str]:
    """The registered rules that the chip trains by."""
    return [name for name in rules if chip.refusal(rules[name].needs) is None]


def _names(names: list[str], known: Registry) -> str:
    """Names of cells or rules, or "every cell" for all that are known."""
    return f"every {known.kind}" if names == list(known) else ", ".join(names) or "-"


if __name__ == "__main__":
    from neurorec.basics.cards import card_folder

    (card_folder("hardware") / "README.md").write_text(hardware_readme(), encoding="utf-8")
    (card_folder(LINKS) / "README.md").write_text(links_readme(), encoding="utf-8")
