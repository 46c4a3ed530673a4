"""Formatting of numbers: three significant digits, a suitable unit, and the spread with its number of seeds."""

from neurorec.basics.quantities import duration, figures, plural, quantity

__all__ = [
    "count", "data_size", "duration", "energy", "energy_band", "energy_unit", "figures", "listed", "plural", "plus_minus",
    "quantity",
]  # fmt: skip

_ENERGY_UNITS = ((1e12, "J"), (1e9, "mJ"), (1e6, "µJ"), (1e3, "nJ"), (1.0, "pJ"))


def count(value: float) -> str:
    """12345 -> "12.3k"; thousands, millions and billions have a letter."""
    for size, letter in ((1e9, "G"), (1e6, "M"), (1e3, "k")):
        if abs(value) >= size * 0.9995:
            return f"{figures(value / size)}{letter}"
    return f"{value:.0f}" if value == round(value) else figures(value)


def data_size(n_bytes: float) -> str:
    """12345 -> "12.3 kB"; decimal units."""
    for size, unit in ((1e12, "TB"), (1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if n_bytes >= size * 0.9995:
            return f"{figures(n_bytes / size)} {unit}"
    return f"{n_bytes:.0f} bytes"


def energy_unit(value_pJ: float) -> tuple[float, str]:
    """The unit in which `value_pJ` has one to three digits before the decimal point: (pJ per unit, its name)."""
    for size_pJ, unit in _ENERGY_UNITS:
        if abs(value_pJ) >= size_pJ * 0.9995:
            return size_pJ, unit
    return _ENERGY_UNITS[-1]


def energy(value_pJ: float | None, at_least: bool = False) -> str:
    if value_pJ is None:
        return "–"
    size_pJ, unit = energy_unit(value_pJ)
    return f"{'≥ ' if at_least else ''}{figures(value_pJ / size_pJ)} {unit}"


def energy_band(low_pJ: float | None, high_pJ: float | None, unit_of_pJ: float) -> str:
    """ "[0.90–2.1]" in the unit that `energy(unit_of_pJ)` uses, with a third digit if two would exclude that value; empty if
    the band is unknown, or its ends read alike."""
    if low_pJ is None or high_pJ is None:
        return ""
    size_pJ, _ = energy_unit(unit_of_pJ)
    value, low, high = float(figures(unit_of_pJ / size_pJ)), "", ""
    for digits in (2, 3):
        low, high = figures(low_pJ / size_pJ, digits), figures(high_pJ / size_pJ, digits)
        if low != high and float(low) <= value <= float(high):
            break
    return "" if low == high else f"[{low}–{high}]"


def plus_minus(mean: float, sd: float | None) -> str:
    """ "0.942 ± 0.010", "1,307 ± 2"; without the second part for a single seed."""
    if abs(mean) >= 1000:
        return f"{mean:,.0f}" if sd is None else f"{mean:,.0f} ± {figures(sd)}"
    if 0 < max(abs(mean), sd or 0.0) < 0.001:  # three decimals would hide it
        return f"{mean:.3g}" if sd is None else f"{mean:.3g} ± {sd:.2g}"
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f}"


def listed(items: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
