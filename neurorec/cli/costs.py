"""The commands that price networks: cost, sweep, place, and calibrate for a chip card of one's own."""

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
Chips = Annotated[
    list[str] | None, typer.Option("--chip", help="A chip by name or card; may be repeated. [default: all]")
]
Anneal = Annotated[bool, typer.Option("--anneal", help="Move cores over the mesh so that spikes travel less.")]
Partition = Annotated[
    bool, typer.Option("--partition", help="Share neurons out by METIS so that spikes stay on their core.")
]
Training = Annotated[bool, typer.Option("--training", help="Also what the training of a finished run would cost.")]
Spikes = Annotated[
    Path | None, typer.Option(help="Of a description: price recorded spikes (.npz: step, unit), not the stated rates.")
]
Recording = Annotated[
    Path | None, typer.Option("--input", help="Of a NIR file: what it hears, a NumPy file [T, B, ...] or [T, ...].")
]
SignalOf = Annotated[
    str,
    typer.Option("--signal", help="What --input holds: spikes, values, or auto (spikes if all numbers are 0 or 1)."),
]
Nir = Annotated[
    list[str] | None,
    typer.Option(help="Of a NIR file: how it is stepped, NAME=VALUE (dt_s=1e-3, reset=subtract; docs/nir.md)."),
]


def cost(
    what: What,
    chip: Chips = None,
    batch: Annotated[int | None, typer.Option(help="Inferences in a batch. [default: the description's, or 1]")] = None,
    anneal: Anneal = False,
    partition: Partition = False,
    training: Training = False,
    target: Annotated[
        float | None, typer.Option(help="Also what training to this validation score cost (0.9), of a finished run.")
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="With --training and --link: how many workers share the training samples.")
    ] = None,
    link: Annotated[
        list[str] | None, typer.Option(help="What joins the workers: a link by name or card; may be repeated.")
    ] = None,
    spikes: Spikes = None,
    recording: Recording = None,
    signal: SignalOf = "auto",
    nir: Nir = None,
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """What one inference of a network costs on a chip: of a finished run, a NIR file, or a description."""
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
    plot: Annotated[Path | None, typer.Option(help="Where the picture goes: .svg, .png, .pdf.")] = None,
    training: Training = False,
    spikes: Spikes = None,
    recording: Recording = None,
    signal: SignalOf = "auto",
    nir: Nir = None,
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """The same network priced again and again while one setting changes."""
    from neurorec.experiments.workloads import Heard, read_work
    from neurorec.report.sweeping import print_sweep

    asked = read_work(what, Heard(spikes, recording, signal, tuple(nir or ())))
    print_sweep(asked, _chips(chip), setting, plot, training)


def place(
    what: What,
    chip: Chips = None,
    anneal: Anneal = False,
    partition: Partition = False,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the chip with its traffic: .svg, .png, .pdf. Needs one --chip.")
    ] = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="Write what spikes travel, in order and as found, as .json.")
    ] = None,
    spikes: Spikes = None,
    recording: Recording = None,
    signal: SignalOf = "auto",
    nir: Nir = None,
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Which core holds which neurons, and how far their spikes travel."""
    from neurorec.experiments.workloads import Heard, read_work
    from neurorec.report.placing import print_placing

    heard = Heard(spikes, recording, signal, tuple(nir or ()))
    print_placing(read_work(what, heard, annealed=anneal, partitioned=partition), _chips(chip), picture, out)


def _chips(named: list[str] | None) -> list[str]:
    from neurorec.basics.cards import card_names

    return named or card_names("hardware")


def calibrate(
    table: Annotated[
        Path, typer.Argument(metavar="MEASUREMENTS.csv", help="operations, batch, energy_uJ, time_us, idle_mW")
    ],
    name: Annotated[str, typer.Option(help="What the board is called.")],
    out: Annotated[Path | None, typer.Option(help="The card to write. [default: NAME.toml]")] = None,
    plot: Annotated[Path | None, typer.Option(help="Fit and residuals: .svg, .png, .pdf. [default: beside it]")] = None,
    source: Annotated[str, typer.Option(help="Citation key of the measurements.")] = "own_measurement",
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Make a chip card of your own board from a few metered points."""
    from neurorec.report.calibration import calibrate_board

    calibrate_board(table, name, out, plot, source)
