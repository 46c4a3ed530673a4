"""`neurorec nir`: commands for files in the Neuromorphic Intermediate Representation."""

from pathlib import Path
from typing import Annotated

import typer

from neurorec.cli.options import Debug, Plugin

nir = typer.Typer(help="Run NIR files of any origin.", no_args_is_help=True, rich_markup_mode=None)


@nir.callback()
def _commands() -> None:
    """Run NIR files of any origin."""


@nir.command()
def run(
    file: Annotated[Path, typer.Argument(help="A NIR file.")],
    recording: Annotated[Path, typer.Option("--input", help="Its input, a NumPy file [T, B, ...] or [T, ...].")],
    compare: Annotated[
        Path | None,
        typer.Option(help="A recording of its output (NumPy): search the convention that reproduces it."),
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option(
            "--nir",
            help="Simulation settings NAME=VALUE; may be repeated (dt_s=1e-3, reset=subtract, like=norse; docs/nir.md).",
        ),
    ] = None,
    out: Annotated[Path | None, typer.Option("--out", help="Save the output [T, B, ...] as a NumPy file.")] = None,
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Run a NIR file on recorded input; with --compare, say which convention reproduces a recorded output."""
    from neurorec.experiments.nir_runs import run_file

    for line in run_file(file, recording, settings or [], compare, out):
        typer.echo(line)
