"""Commands that price networks (cost, sweep, place), and calibrate, which makes a chip card."""

from pathlib import Path
from typing import Annotated

import typer

from neurorec.cli.options import Debug, Plugin

What = Annotated[
    Path,
    typer.Argument(
        help="A finished run (runs/STUDY/done/RUN_ID), a NIR file, or a description (docs/networks/*.toml)."
    ),
]
Chips = Annotated[list[str] | None, typer.Option("--chip", help="Chip name or card; may be repeated. [default: all]")]
Anneal = Annotated[bool, typer.Option("--anneal", help="Rearrange cores on the mesh to shorten the paths of spikes.")]
Partition = Annotated[
    bool, typer.Option("--partition", help="Assign neurons to cores with METIS to keep spikes on their core.")
]
Training = Annotated[bool, typer.Option("--training", help="Also estimate the training of a finished run.")]
Spikes = Annotated[
    Path | None,
    typer.Option(help="Description only: price recorded spikes (.npz: step, unit) instead of the stated rates."),
]
Recording = Annotated[
    Path | None, typer.Option("--input", help="NIR file only: its input, a NumPy file [T, B, ...] or [T, ...].")
]
SignalOf = Annotated[
    str,
    typer.Option("--signal", help="What --input contains: spikes, values, or auto (spikes if all numbers are 0 or 1)."),
]
Nir = Annotated[
    list[str] | None,
    typer.Option(
        help="NIR file only: simulation settings, NAME=VALUE (dt_s=1e-3, reset=subtract, like=norse; docs/nir.md)."
    ),
]


def cost(
    what: What,
    chip: Chips = None,
    batch: Annotated[
        int | None, typer.Option(max=10**12, help="Inferences per batch. [default: the description's, or 1]")
    ] = None,
    anneal: Anneal = False,
    partition: Partition = False,
    training: Training = False,
    target: Annotated[
        float | None, typer.Option(help="Finished run only: also the cost of training to this validation score (0.9).")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="With --training and --link: number of workers that share the training samples.")
    ] = None,
    link: Annotated[
        list[str] | None, typer.Option(help="Link between the workers, by name or card; may be repeated.")
    ] = None,
    spikes: Spikes = None,
    recording: Recording = None,
    signal: SignalOf = "auto",
    nir: Nir = None,
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Estimate the cost of one inference on a chip, for a finished run, a NIR file or a description."""
    from neurorec.experiments.workloads import Heard, read_work
    from neurorec.report.communication.shared_training import print_communication, refuse_half_asked
    from neurorec.report.pricing import print_cost

    refuse_half_asked(training, workers, link or [])
    heard = Heard(spikes, recording, signal, tuple(nir or ()))
    asked = read_work(what, heard, batch=batch, annealed=anneal, partitioned=partition)
    print_cost(asked, _chips(chip), training, target)
    if workers is not None:
        print_communication(asked, workers, link or [])


def sweep(
    what: What,
    setting: Annotated[
        str,
        typer.Argument(
            metavar="SETTING=VALUE,...", help="precision=8,16,32; sparsity=, dt_ms=, batch=, chips=, workers:LINK="
        ),
    ],
    chip: Chips = None,
    plot: Annotated[Path | None, typer.Option(help="Plot file to write: .svg, .png or .pdf.")] = None,
    training: Training = False,
    spikes: Spikes = None,
    recording: Recording = None,
    signal: SignalOf = "auto",
    nir: Nir = None,
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Price the same network repeatedly while one setting varies."""
    from neurorec.experiments.workloads import Heard, read_work
    from neurorec.report.sweeping import print_sweep

    heard = Heard(spikes, recording, signal, tuple(nir or ()))
    print_sweep(lambda: read_work(what, heard), _chips(chip), setting, plot, training)


def place(
    what: What,
    chip: Chips = None,
    anneal: Anneal = False,
    partition: Partition = False,
    picture: Annotated[
        Path | None,
        typer.Option(help="Draw the chip with its traffic: .svg, .png or .pdf. Requires exactly one --chip."),
    ] = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Write the traffic of the placement in order and of the optimised one, as .json."),
    ] = None,
    spikes: Spikes = None,
    recording: Recording = None,
    signal: SignalOf = "auto",
    nir: Nir = None,
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Place neurons on cores, and report how far their spikes travel."""
    from neurorec.experiments.workloads import Heard, read_work
    from neurorec.report.placing import print_placing

    heard = Heard(spikes, recording, signal, tuple(nir or ()))
    print_placing(read_work(what, heard, annealed=anneal, partitioned=partition), _chips(chip), picture, out)


def _chips(named: list[str] | None) -> list[str]:
    from neurorec.basics.cards import card_names

    return list(dict.fromkeys(named or card_names("hardware")))


def calibrate(
    table: Annotated[
        Path, typer.Argument(metavar="MEASUREMENTS.csv", help="operations, batch, energy_uJ, time_us, idle_mW")
    ],
    name: Annotated[str, typer.Option(help="Name of the board.")],
    out: Annotated[Path | None, typer.Option(help="Card file to write. [default: NAME.toml]")] = None,
    plot: Annotated[
        Path | None, typer.Option(help="Plot of fit and residuals: .svg, .png or .pdf. [default: next to the card]")
    ] = None,
    source: Annotated[str, typer.Option(help="Citation key of the measurements.")] = "own_measurement",
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Make a chip card for your own board from a few metered points."""
    from neurorec.report.calibration import calibrate_board

    calibrate_board(table, name, out, plot, source)
