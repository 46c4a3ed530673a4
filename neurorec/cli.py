"""The command line: parse, call, print. Heavy libraries load in the command that needs them, so --help is instant."""

import os
import sys
from pathlib import Path
from typing import Annotated

import typer

from neurorec.basics.errors import NeurorecError, RunFailed

app = typer.Typer(
    name="neurorec",
    help="Compare how brains and machines learn sequences, and what that costs in hardware.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
Out = Annotated[Path | None, typer.Option("--out", help="Where results go. [default: runs/STUDY]")]


@app.command()
def run(
    study: Annotated[str, typer.Argument(help="A study by name, or the path to a study card.")] = "backprop_vs_stdp",
    quick: Annotated[bool, typer.Option("--quick", help="A minute's look at the machinery; not a result.")] = False,
    seeds: Annotated[int | None, typer.Option(help="How many seeds. [default: those of the card]")] = None,
    jobs: Annotated[int | None, typer.Option(help="Runs at a time. [default: one a core]")] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or auto. [default: auto]")] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Engine for what it can run: auto, fused, norse, torch; for STDP: plastic, brian2. [default: auto]"
        ),
    ] = None,
    out: Out = None,
    debug: Debug = False,
) -> None:
    """Run a study: train, price, export, report. The same command again does only what is missing."""
    from neurorec.experiments.kind import Asked
    from neurorec.report.studies import run_asked

    failed = run_asked(Asked(study, quick, out, seeds, jobs, device, engine))
    if failed:
        raise RunFailed(f"{failed} run(s) failed; the reasons stand above and in the report. The others are complete")


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="The folder of a study's results, e.g. runs/backprop_vs_stdp.")],
    to: Annotated[
        Path | None,
        typer.Option("--publish", metavar="DIR", help="Also copy findings and tables there (docs/results), with the ledger."),
    ] = None,
    debug: Debug = False,
) -> None:
    """Rebuild tables, plots and page from stored results."""
    from neurorec.report.studies import publish, rebuild_folder

    rebuild_folder(folder)
    for path in publish(folder, to) if to is not None else []:
        typer.echo(f"published: {path}")


@app.command("list")
def list_(
    kind: Annotated[
        str, typer.Argument(help="pairs, chips, links, studies, tasks, rules, engines, cells, encoders, exporters")
    ] = "",
    debug: Debug = False,
) -> None:
    """What there is, one line each, with its source."""
    from neurorec.report.catalogue import print_catalogue

    print_catalogue(kind)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Any name that `neurorec list` prints.")], debug: Debug = False
) -> None:
    """Equations, parameters with units, sources and code path of one thing."""
    from neurorec.report.catalogue import print_member

    print_member(name)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A card (pair, chip, link or study), or a NIR file.")],
    debug: Debug = False,
) -> None:
    """Check a card or a NIR file; say what is wrong with it and how to mend it."""
    from neurorec.experiments.verbs import check_file

    typer.echo(f"{file}: valid {check_file(file)}")


@app.command()
def cost(
    what: Annotated[
        Path | None,
        typer.Argument(
            metavar="RUN|FILE.nir", help="The folder of a finished run (runs/STUDY/done/RUN_ID), or a NIR file."
        ),
    ] = None,
    network: Annotated[
        Path | None, typer.Option(help="Or the description of a network (docs/networks/): nothing is trained.")
    ] = None,
    chip: Annotated[
        list[str] | None, typer.Option(help="A chip by name or card; may be repeated. [default: all]")
    ] = None,
    batch: Annotated[int | None, typer.Option(help="Inferences in a batch. [default: the description's]")] = None,
    training: Annotated[bool, typer.Option("--training", help="Also what the training would cost.")] = False,
    anneal: Annotated[
        bool, typer.Option("--anneal", help="Move cores over the mesh so that spikes travel less.")
    ] = False,
    target: Annotated[
        float | None, typer.Option(help="Also what training to this validation score cost (0.9), of a finished run.")
    ] = None,
    sweep: Annotated[
        str | None,
        typer.Option(help="Vary one setting: precision=8,16,32; sparsity=, dt_ms=, batch=, chips=, workers:LINK="),
    ] = None,
    plot: Annotated[Path | None, typer.Option(help="Where the picture of --sweep goes: .svg, .png, .pdf.")] = None,
    partition: Annotated[
        bool, typer.Option("--partition", help="Share neurons out by METIS so that spikes stay on their core.")
    ] = False,
    spikes: Annotated[
        Path | None, typer.Option(help="Price recorded spikes (.npz: step, unit) of --network, not its stated rates.")
    ] = None,
    picture: Annotated[
        Path | None, typer.Option(help="Draw the chip with its traffic: .svg, .png, .pdf. Needs one --chip.")
    ] = None,
    placing: Annotated[
        Path | None, typer.Option(help="Write what spikes travel, in order and as found, as .json.")
    ] = None,
    recording: Annotated[
        Path | None, typer.Option("--input", help="Of a NIR file: what it hears, a NumPy file [T, B, ...] or [T, ...].")
    ] = None,
    signal: Annotated[
        str, typer.Option(help="What --input holds: spikes, values, or auto (spikes if all numbers are 0 or 1).")
    ] = "auto",
    nir: Annotated[
        list[str] | None,
        typer.Option(help="Of a NIR file: how it is stepped, NAME=VALUE (dt_s=1e-3, reset=subtract; docs/nir.md)."),
    ] = None,
    workers: Annotated[
        int | None, typer.Option(help="With --training and --link: how many workers share the training samples.")
    ] = None,
    link: Annotated[
        list[str] | None, typer.Option(help="What joins the workers: a link by name or card; may be repeated.")
    ] = None,
    debug: Debug = False,
) -> None:
    """What one inference of a network costs on a chip: of a finished run, a NIR file, or a description."""
    from neurorec.report.communication.shared_training import print_communication, refuse_half_asked
    from neurorec.report.graph_pricing import is_graph, print_graph_cost
    from neurorec.report.pricing import Placing, print_asked
    from neurorec.report.sweeping import print_sweep

    placed = Placing(anneal, partition, picture, placing)
    if is_graph(what, recording, nir):
        refused = {"--network": network, "--batch": batch, "--training": training, "--workers": workers, "--link": link,
                   "--target": target, "--sweep": sweep, "--spikes": spikes}  # fmt: skip
        print_graph_cost(what, recording, chip, signal, nir or [], placed, refused)
        return
    refuse_half_asked(what, training, workers, link)
    if sweep is not None:
        unused = {"--batch": batch, "--target": target, "--spikes": spikes, **placed.asked()}
        print_sweep(
            what, network, chip, sweep, plot, training, unused=[n for n, v in unused.items() if v not in (None, False)]
        )
    else:
        print_asked(what, network, chip, batch, training, placed, spikes, target=target, plot=plot)
    if what is not None and workers is not None and link:
        print_communication(what, workers, link)


@app.command()
def calibrate(
    table: Annotated[
        Path, typer.Argument(metavar="MEASUREMENTS.csv", help="operations, batch, energy_uJ, time_us, idle_mW")
    ],
    name: Annotated[str, typer.Option(help="What the board is called.")],
    out: Annotated[Path | None, typer.Option(help="The card to write. [default: NAME.toml]")] = None,
    plot: Annotated[Path | None, typer.Option(help="Fit and residuals: .svg, .png, .pdf. [default: beside it]")] = None,
    source: Annotated[str, typer.Option(help="Citation key of the measurements.")] = "own_measurement",
    debug: Debug = False,
) -> None:
    """Make a chip card of your own board from a few metered points."""
    from neurorec.report.calibration import calibrate_board

    calibrate_board(table, name, out, plot, source)


@app.command("export")
def export_(
    what: Annotated[Path, typer.Argument(metavar="RUN", help="The folder of a finished run: runs/STUDY/done/RUN_ID")],
    out: Annotated[Path, typer.Option("--out", help="The file to write.")],
    to: Annotated[str, typer.Option(help="The target format: nir.")] = "nir",
    debug: Debug = False,
) -> None:
    """Write a trained network for another platform, and check the file against the reference run."""
    from neurorec.experiments.verbs import export_run

    typer.echo(export_run(what, to, out))


@app.command("cite")
def cite_(
    study: Annotated[str, typer.Argument(help="A study by name, or the path to a study card.")] = "backprop_vs_stdp",
    debug: Debug = False,
) -> None:
    """BibTeX of everything a study uses: data, networks, rules, chips."""
    from neurorec.basics.citations import bibtex, is_cited
    from neurorec.experiments.kinds import load_any_study

    keys = load_any_study(study).sources()
    typer.echo(bibtex(key for key in keys if is_cited(key)))
    for key in keys:
        if not is_cited(key):
            typer.echo(f"% {key}: named by a card of yours, not known to neurorec")


def main() -> None:
    """Exit codes: 0 done; 1 finished, but a run failed; 2 the input is at fault; 130 stopped by Ctrl-C."""
    debug = "--debug" in sys.argv
    os.environ.setdefault("OMP_NUM_THREADS", "1")  # runs are parallel; threads inside each would only quarrel
    try:
        app()
    except NeurorecError as error:
        if debug:
            raise
        typer.echo(f"neurorec: {error}", err=True)
        raise SystemExit(error.exit_code) from None
