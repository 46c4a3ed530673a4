"""`neurorec calibrate`: read, fit, report the quality, write the card and a plot of fit and residuals."""

from pathlib import Path

import typer

from neurorec.basics.errors import InputError, needed
from neurorec.basics.quantities import quantity
from neurorec.hardware.calibrate import Calibration, Measurement, calibrate, read_measurements, write_card

FORMATS = (".svg", ".png", ".pdf")


def calibrate_board(table: Path, name: str, out: Path | None, plot: Path | None, source: str) -> None:
    """Write the card (default NAME.toml) and the plot (default: next to it), and print a summary."""
    if not name.isidentifier():
        raise InputError(f'--name "{name}": names of cards have only letters, digits and _, as in "my_board_2"')
    out = out or Path(f"{name}.toml")
    if out.suffix != ".toml":
        raise InputError(f"--out {out}: a card must be a .toml file")
    plot = plot or out.with_suffix(".svg")
    if plot.suffix not in FORMATS:
        raise InputError(f"--plot {plot}: the plot must be one of {', '.join(FORMATS)}")
    calibration = calibrate(read_measurements(table))
    write_card(calibration, name, out, source)
    draw_calibration(calibration, name, plot)
    for line in summary(calibration):
        typer.echo(line)
    typer.echo(f"card: {out}        plot: {plot}        use: neurorec cost NET.toml --chip {out} --batch N")


def summary(c: Calibration) -> list[str]:
    """Lines for the terminal: each point with its residuals of fit and cross-validation, dynamic and total energy."""
    lines = [f"{'point':44} {'operations':>12} {'batch':>5} {'total uJ':>10} {'law':>10} {'off':>7} {'left out':>9}"]
    for p in c.points:
        law = c.total_uJ(p.operations, p.batch)
        left = f"{c.left_out[p.where] - 1:+8.1%}" if p.where in c.left_out else "-"
        lines.append(
            f"{p.where[-44:]:44} {p.operations:12,.0f} {p.batch:5} {p.energy_uJ:10.4g} {law:10.4g} "
            f"{law / p.energy_uJ - 1:+7.1%} {left:>9}"
        )
    if c.idle_mW is None:
        lines.append(
            "no idle power was given, so only total energy is known; give idle_mW to separate dynamic from total"
        )
    else:
        worst = max((abs(_dynamic(c, p) / p.dynamic_uJ - 1) for p in c.points), default=0.0)
        lines.append(
            f"idle power {quantity(c.idle_mW * 1e-3, 'W')}; dynamic energy of the points within {worst:.1%} of the law"
        )
    lines.append(f"band: value / {c.band_factor:.2f} to value x {c.band_factor:.2f} ({c.band_from})")
    return lines


def _dynamic(c: Calibration, p: Measurement) -> float:
    return needed(
        c.dynamic_uJ(p.operations, p.batch), "no idle power was given, so dynamic energy is not known; give idle_mW"
    )


def draw_calibration(c: Calibration, name: str, path: Path) -> None:
    """Left: metered points and law over operations and batch, with the band. Right: residuals of fit and cross-validation."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10.5, 3.8), layout="constrained")
    sizes, batches, residuals = figure.subplots(1, 3)
    _draw_line(sizes, c, along="operations")
    _draw_line(batches, c, along="batch")
    at = range(len(c.points))
    off = [100 * (c.total_uJ(p.operations, p.batch) / p.energy_uJ - 1) for p in c.points]
    residuals.axhline(0, color="0.6", linewidth=0.8)
    residuals.plot(at, off, "o", label="fitted")
    left = [(n, 100 * (c.left_out[p.where] - 1)) for n, p in enumerate(c.points) if p.where in c.left_out]
    if left:
        residuals.plot(
            *zip(*left, strict=True), "D", markerfacecolor="none", label="left out, predicted from the others"
        )
    residuals.set_xticks(list(at), [f"{_short(p.operations)} x{p.batch}" for p in c.points], fontsize=7, rotation=90)
    residuals.set(xlabel="operations, batch", ylabel="law / metered - 1 (%)", title="residuals of total energy")
    residuals.legend(frameon=False, fontsize=8)
    figure.suptitle(f"{name}: {len(c.points)} metered points", x=0.01, ha="left", fontweight="bold")
    try:
        figure.savefig(path, dpi=150)
    except OSError as error:
        raise InputError(f"{path}: the plot cannot be written ({error.strerror}); choose another with --plot") from None


def _short(operations: float) -> str:
    """172800 as 173k, 7316224 as 7.32M."""
    from matplotlib.ticker import EngFormatter

    return EngFormatter(places=None, sep="").format_eng(float(f"{operations:.3g}"))


def _draw_line(axes, c: Calibration, along: str) -> None:
    import numpy as np

    batch, size = min(p.batch for p in c.points), min(p.operations for p in c.points)
    seen = [p for p in c.points if (p.batch == batch if along == "operations" else p.operations == size)]
    xs = [float(getattr(p, along)) for p in seen]
    grid = np.geomspace(min(xs), max(xs) * 1.0001, 60)
    law = np.array([c.total_uJ(x, batch) if along == "operations" else c.total_uJ(size, x) for x in grid])
    axes.fill_between(grid, law / c.band_factor, law * c.band_factor, alpha=0.2, linewidth=0, label="band")
    axes.plot(grid, law, label="law")
    axes.plot(xs, [p.energy_uJ for p in seen], "o", color="black", label="metered")
    fixed = f"batch {batch}" if along == "operations" else f"{size:,.0f} operations"
    axes.set(xscale="log", yscale="log", xlabel=along, ylabel="µJ per inference, total", title=f"energy, {fixed}")
    for axis in (axes.xaxis, axes.yaxis):
        axis.set_minor_formatter("")
    axes.legend(frameon=False, fontsize=8)
