"""`neurorec export`: a trained network as a file for another tool."""

from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperCommand

from neurorec.basics.errors import InputError
from neurorec.cli.options import Debug, Plugin


class ExportCommand(TyperCommand):
    """Lists formats and profiles at the end of its help; they are loaded only then."""

    def format_epilog(self, ctx: Any, formatter: Any) -> None:
        from neurorec.hardware.export import exporters

        for name in exporters:
            with formatter.section(f"Profiles of {name}"):
                formatter.write_dl([(key, one.about) for key, one in exporters[name].profiles.items()])


def export(
    what: Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a finished run: runs/STUDY/done/RUN_ID")],
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The file to write.")] = None,
    out: Annotated[Path | None, typer.Option("--out", help="The same as FILE.")] = None,
    to: Annotated[str, typer.Option(help="The target format: nir.")] = "nir",
    profile: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="The form of the file, for the tool that will read it (listed below)."),
    ] = None,
    plugin: Plugin = None,
    debug: Debug = False,
) -> None:
    """Export a trained network to another platform, and verify the file against the reference run."""
    from neurorec.experiments.verbs import export_run

    path = file or out
    if path is None or (file and out):
        raise InputError("neurorec export: give the file to write once, as neurorec export RUN FILE (or --out FILE)")
    typer.echo(export_run(what, to, path, profile))
