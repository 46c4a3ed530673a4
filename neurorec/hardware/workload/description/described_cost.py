"""A described network on a chip: counts, place, price. Nothing is trained or run."""

from __future__ import annotations

from pathlib import Path

from neurorec.basics.errors import CannotRun
from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.chips.precision import Precision
from neurorec.hardware.mapping import place
from neurorec.hardware.pricing.bill import Cost, Setting
from neurorec.hardware.pricing.inference_cost import price_counted, refused
from neurorec.hardware.workload.description.described_net import net_of, with_spikes
from neurorec.hardware.workload.description.expected_counts import CELL_OF, count_description
from neurorec.hardware.workload.description.network_card import Description
from neurorec.hardware.workload.description.populations import write_out
from neurorec.hardware.workload.description.spike_recording import count_recording, read_recording, with_busiest_cores


def describe_cost(
    net: Description,
    chip: Chip | str | Path,
    batch: int | None = None,
    annealed: bool = False,
    partitioned: bool = False,
    precision: Precision | None = None,
    recording: Path | None = None,
) -> Cost:
    """Energy and latency of one inference of the described network; `batch` overrides its own.

    `annealed`, `partitioned`: cores are moved, and neurons shared out, so that spikes travel less. `precision`: other than
    the chip's own. `recording`: a file of spikes to price (`recording.py`) instead of those that the stated rates lead one to
    expect.
    """
    name = Path(chip).stem if isinstance(chip, str | Path) else chip.about
    chip = load_chip(chip) if isinstance(chip, str | Path) else chip
    reason = _why_not(net, chip)
    if reason is not None:
        return refused(name, chip, reason)
    populations, units = write_out(net), chip.units_of(CELL_OF[net.neuron])
    try:
        if recording is None:
            operations = count_description(net)
            mapping = place(net_of(net, populations, operations.samples, units), chip, partitioned, annealed)
        else:
            recorded = read_recording(recording, net, populations)
            wired = with_spikes(net_of(net, populations, 1, units), recorded.spikes())
            mapping = place(wired, chip, partitioned, annealed)
            operations = count_recording(net, populations, recorded, mapping.plan.net if mapping.plan else wired)
            mapping = with_busiest_cores(mapping, recorded, chip, net.steps)
    except CannotRun as error:
        return refused(name, chip, str(error))
    setting = Setting(batch=batch or net.batch, clock_MHz=net.clock_MHz, waits=net.waits, precision=precision)
    return price_counted(name, chip, operations, mapping, setting)


def _why_not(net: Description, chip: Chip) -> str | None:
    reason = chip.why_not_cell(CELL_OF[net.neuron])
    if reason is None and net.input is not None and net.input.signal not in chip.signals:
        taken = " and ".join(chip.signals)
        return f"its input lines carry {net.input.signal}, the chip takes {taken}; choose an encoder for that"
    return reason
