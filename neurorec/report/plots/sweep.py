"""Energy against a varied setting: one line with band per chip; per-term and all-in prices in separate panels."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from neurorec.basics.errors import InputError
from neurorec.hardware.chips.band import Band
from neurorec.hardware.pricing.bill import Cost
from neurorec.hardware.pricing.what_if import Sweep
from neurorec.report.plots.style import MARKERS, PAIR_COLOURS, literal
from neurorec.report.wording import energy_unit

if TYPE_CHECKING:
    from matplotlib.axes import Axes

FORMATS = (".svg", ".png", ".pdf")
Costs = dict[str, list[Cost]]
Value = Callable[[Cost], Band | None]
DECADE = 10.0
LOG_FROM = 8.0  #: a numeric axis that spans more than this factor is logarithmic


def draw_sweep(priced: Costs, sweep: Sweep, name: str, path: Path, training: bool) -> None:
    """Write the plot.

    Raises
    ------
    InputError
        If the file is not writable.
    """
    from matplotlib.figure import Figure

    panels = _panels(priced, training)
    figure = Figure(figsize=(4.6 * len(panels), 4.2), layout="constrained", facecolor="white")
    for axes, (title, costs, value) in zip(figure.subplots(1, len(panels), squeeze=False)[0], panels, strict=True):
        _draw(axes, costs, value, sweep)
        axes.set_title(title, loc="left", fontsize=10)
        axes.set_xlabel(sweep.setting.title)
    figure.suptitle(f"{literal(name)}: energy against {sweep.name}", x=0.01, ha="left", fontweight="bold")
    try:
        figure.savefig(path, dpi=150, metadata={"Date": None} if path.suffix == ".svg" else None)
    except OSError as error:
        raise InputError(f"{path}: the plot cannot be written ({error.strerror}); choose another with --plot") from None


def _panels(priced: Costs, training: bool) -> list[tuple[str, Costs, Value]]:
    found: list[tuple[str, Costs, Value]] = []
    for scope in ("per-term", "all-in"):
        costs = {chip: listed for chip, listed in priced.items() if listed[0].scope == scope}
        if costs:
            found.append((f"one inference, {scope} prices", costs, lambda cost: cost.energy_pJ))
        trained = {chip: listed for chip, listed in costs.items() if any(_training(cost) for cost in listed)}
        if training and trained:
            found.append((f"the whole training, {scope} prices", trained, _training))
    return found


def _training(cost: Cost) -> Band | None:
    return cost.training.energy_pJ if cost.training else None


def _draw(axes: "Axes", costs: Costs, value: Value, sweep: Sweep) -> None:
    places, ticks = _places(sweep)
    shown = [band.value for listed in costs.values() for cost in listed if (band := value(cost)) and band.value > 0]
    size_pJ, unit = energy_unit(max(shown, default=1.0))
    for n, (chip, listed) in enumerate(costs.items()):
        points = [(x, band) for x, cost in zip(places, listed, strict=True) if (band := value(cost)) and band.value > 0]
        if not points:
            continue
        points.sort(key=lambda point: point[0])
        xs, bands = [x for x, _ in points], [band for _, band in points]
        colour, least = PAIR_COLOURS[n % len(PAIR_COLOURS)], any(cost.at_least for cost in listed)
        low, high = [band.low / size_pJ for band in bands], [band.high / size_pJ for band in bands]
        axes.errorbar(xs, [band.value / size_pJ for band in bands], fmt="none", ecolor=colour, alpha=0.5, linewidth=4,
                      yerr=_spread(bands, size_pJ))  # fmt: skip
        axes.fill_between(xs, low, high, color=colour, alpha=0.15, linewidth=0)
        axes.plot(xs, [band.value / size_pJ for band in bands], color=colour, marker=MARKERS[n % len(MARKERS)],
                  label=("≥ " if least else "") + chip)  # fmt: skip
    axes.set_yscale("log")
    low, high = axes.get_ylim()
    widen = (DECADE * low / high) ** 0.5 if high < DECADE * low else 1.0  # a flat line should look flat
    axes.set_ylim(low / widen, high * widen)
    axes.set_ylabel(f"energy ({unit})")
    if ticks is not None:
        axes.set_xticks(list(places), ticks)
        axes.margins(x=0.1)
    elif min(places) > 0 and max(places) / min(places) > LOG_FROM:
        axes.set_xscale("log")
        axes.set_xticks(list(places), [sweep.label(v) for v in sweep.values])
        axes.xaxis.set_minor_formatter("")
    axes.grid(color="0.9", linewidth=0.6)
    axes.legend(frameon=False, fontsize=8, loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=2)


def _spread(bands: Sequence[Band], size_pJ: float) -> list[list[float]]:
    return [[(b.value - b.low) / size_pJ for b in bands], [(b.high - b.value) / size_pJ for b in bands]]


def _places(sweep: Sweep) -> tuple[list[float], list[str] | None]:
    """Positions of the values: numbers at their value, data types side by side with their names."""
    numbers = [sweep.setting.place(value) for value in sweep.values]
    if all(number is not None for number in numbers):
        return [number for number in numbers if number is not None], None
    return [float(n) for n in range(len(sweep.values))], [sweep.label(value) for value in sweep.values]
