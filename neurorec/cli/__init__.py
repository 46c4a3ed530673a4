"""The command line: parse, call, print. Heavy libraries are loaded by the commands that need them, so --help is instant."""

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from neurorec.basics.errors import NeurorecError, RunFailed, Stopped
from neurorec.basics.files import NO_ROOM
from neurorec.basics.quantities import plural
from neurorec.cli import costs
from neurorec.cli.ending import stopping_once
from neurorec.cli.exporting import ExportCommand, export
from neurorec.cli.options import Debug, Plugin
from neurorec.cli.running_nir import nir


class Commands(TyperGroup):
    def invoke(self, ctx: Any) -> Any:
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            raise Stopped("stopped") from None


app = typer.Typer(
    cls=Commands,
    name="neurorec",
    help="Compare how brains and machines learn sequences, and what that costs in hardware.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.add_typer(nir, name="nir")
Out = Annotated[
    Path | None, typer.Option("--out", help="Output folder. [default: runs/STUDY, with --quick runs/STUDY_quick]")
]


@app.command()
def run(
    study: Annotated[
        str, typer.Argument(help="A study by name, the path to a study card, or all.")
    ] = "backprop_vs_stdp",
    quick: Annotated[bool, typer.Option("--quick", help="A smoke test of a minute or two; not a result.")] = False,
    seeds: Annotated[int | None, typer.Option(max=10_000, help="Number of seeds. [default: those of the card]")] = None,
    jobs: Annotated[
        int | None, typer.Option(max=10_000, help="Number of parallel runs. [default: one per core]")
    ] = None,
    device: Annotated[str | None, typer.Option(help="cpu, cuda or auto. [default: auto]")] = None,
    engine: Annotated[
        str | None,
        typer.Option(
            help="Engine to use where possible: auto, fused, norse, torch; for STDP: plastic, brian2. [default: auto]"
        ),
    ] = None,
    cluster: Annotated[
        str | None,
        typer.Option(
            metavar="PLACE",
            help="Run on Dask workers: tcp://HOST:PORT of a scheduler, or local:N for N workers here. [default: without Dask]",
        ),
    ] = None,
    out: Out = None,
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Run a study: train, price, export, report. Run again, it does only what is missing."""
    from neurorec.experiments.kind import Asked
    from neurorec.report.all_studies import ALL, run_all
    from neurorec.report.studies import run_asked

    asked = Asked(study, quick, out, seeds, jobs, device, engine, cluster)
    if study == ALL:
        if incomplete := run_all(asked):
            raise RunFailed(f"did not complete: {', '.join(incomplete)}; the reasons are given above")
        return
    failed = run_asked(asked)
    if failed:
        raise RunFailed(
            f"{plural(failed, 'run')} failed; the reasons are given above and in the report. All others are complete"
        )


@app.command()
def report(
    folder: Annotated[Path, typer.Argument(help="Folder with a study's results, e.g. runs/backprop_vs_stdp.")],
    to: Annotated[
        Path | None,
        typer.Option(
            "--publish",
            metavar="DIR",
            help="Also publish findings and tables to this folder (docs/results) and update the ledger.",
        ),
    ] = None,
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Rebuild tables, plots and page from stored results."""
    from neurorec.report.studies import rebuild_folder

    failed, published = rebuild_folder(folder, to)
    for path in published:
        typer.echo(f"published: {path}")
    if failed:
        raise RunFailed(f"{plural(failed, 'run')} failed or damaged; the reasons are given above and in the report")


@app.command("list")
def list_(
    kind: Annotated[str, typer.Argument(help="a kind: pairs, chips, cells, rules, tasks, ... [default: all]")] = "",
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """List what is available, one line each; `neurorec show NAME` says more, with sources."""
    from neurorec.report.catalogue import print_catalogue

    print_catalogue(kind)


@app.command()
def show(
    name: Annotated[str, typer.Argument(help="Any name that `neurorec list` prints, a card, or the key of a source.")],
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Show equations, parameters with units, sources and code path of one item."""
    from neurorec.report.showing import print_member

    print_member(name)


@app.command()
def check(
    file: Annotated[Path, typer.Argument(help="A card (pair, chip, link or study), or a NIR file.")],
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Validate a card or a NIR file, and explain how to fix any error."""
    from neurorec.experiments.verbs import check_file

    typer.echo(f"{file}: valid {check_file(file)}")


for costly in (costs.cost, costs.sweep, costs.place, costs.calibrate):
    app.command()(costly)


app.command("export", cls=ExportCommand)(export)


@app.command("cite")
def cite_(
    study: Annotated[str, typer.Argument(help="A study by name, or the path to a study card.")] = "backprop_vs_stdp",
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Print BibTeX entries for everything a study uses: data, networks, rules, chips."""
    from neurorec.basics.citations import bibtex, is_cited
    from neurorec.experiments.kinds import load_any_study

    keys = load_any_study(study).sources()
    typer.echo(bibtex(key for key in keys if is_cited(key)))
    for key in keys:
        if not is_cited(key):
            typer.echo(f"% {key}: cited in one of your cards, but not known to neurorec")


def main() -> None:
    """Exit codes: 0 success (`run all` names studies that it left out because their data are missing); 1 a run failed, or a
    result could not be stored; 2 invalid input; 130 stopped by Ctrl-C."""
    debug = "--debug" in sys.argv
    # runs are parallel; threads within each would oversubscribe the cores
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    try:
        with stopping_once():
            app()
    except NeurorecError as error:
        if debug:
            raise
        typer.echo(f"neurorec: {error}", err=True)
        raise SystemExit(error.exit_code) from None
    except OSError as error:
        if debug or error.errno not in NO_ROOM:
            raise
        typer.echo(f"neurorec: {error}. Free some space and repeat the command", err=True)
        raise SystemExit(1) from None
