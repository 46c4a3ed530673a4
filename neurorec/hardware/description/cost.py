"""A described network on a chip: counts, place, price. Nothing is trained or run."""

from __future__ import annotations

from pathlib import Path

from neurorec.basics.errors import CannotRun
from neurorec.hardware.bill import Cost, Setting
from neurorec.hardware.chip import Chip, load_chip
from neurorec.hardware.cost import price_counted, refused
from neurorec.hardware.description.card import Description
from neurorec.hardware.description.count import CELL_OF, count_description
from neurorec.hardware.description.place import place_description
from neurorec.hardware.description.populations import write_out
from neurorec.hardware.precision import Precision


def describe_cost(
    net: Description,
    chip: Chip | str | Path,
    batch: int | None = None,
    annealed: bool = False,
    partitioned: bool = False,
    precision: Precision | None = None,
) -> Cost:
    """Energy and latency of one inference of the described network; `batch` overrides its own.

    `annealed`, `partitioned`: cores are moved, and neurons shared out, so that spikes travel less. `precision`: other than
    the chip's own.
    """
    name = Path(chip).stem if isinstance(chip, str | Path) else chip.about
    chip = load_chip(chip) if isinstance(chip, str | Path) else chip
    reason = chip.why_not_cell(CELL_OF[net.neuron])
    if reason is not None:
        return refused(name, chip, reason)
    if net.input is not None and net.input.signal not in chip.signals:
        taken = " and ".join(chip.signals)
        return refused(
            name, chip, f"its input lines carry {net.input.signal}, the chip takes {taken}; choose an encoder for that"
        )
    operations = count_description(net)
    try:
        units = chip.units_of(operations.cell_name)
        mapping = place_description(net, write_out(net), operations.samples, chip, units, partitioned, annealed)
    except CannotRun as error:
        return refused(name, chip, str(error))
    setting = Setting(batch=batch or net.batch, clock_MHz=net.clock_MHz, waits=net.waits, precision=precision)
    return price_counted(name, chip, operations, mapping, setting)
