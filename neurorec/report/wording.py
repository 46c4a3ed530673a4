"""Formatting of numbers: three significant digits, a suitable unit, and the spread with its number of seeds."""

import math

_ENERGY_UNITS = ((1e12, "J"), (1e9, "mJ"), (1e6, "µJ"), (1e3, "nJ"), (1.0, "pJ"))


def figures(value: float, n: int = 3) -> str:
    """Rounded to `n` significant digits, without an exponent: 1234.5 -> "1230", 12.34 -> "12.3", 0.01234 -> "0.0123"."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    rounded = round(value, n - 1 - math.floor(math.log10(abs(value))))
    return f"{rounded:.{max(0, n - 1 - math.floor(math.log10(abs(rounded))))}f}"


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
    """ "[0.90–2.1]" in the unit that `energy(unit_of_pJ)` uses; empty if the band is unknown or has no width."""
    if low_pJ is None or high_pJ is None or low_pJ == high_pJ:
        return ""
    size_pJ, _ = energy_unit(unit_of_pJ)
    return f"[{figures(low_pJ / size_pJ, 2)}–{figures(high_pJ / size_pJ, 2)}]"


def plus_minus(mean: float, sd: float | None) -> str:
    """ "0.942 ± 0.010"; without the second part for a single seed."""
    if 0 < max(abs(mean), sd or 0.0) < 0.001:  # three decimals would hide it
        return f"{mean:.3g}" if sd is None else f"{mean:.3g} ± {sd:.2g}"
    return f"{mean:.3f}" if sd is None else f"{mean:.3f} ± {sd:.3f}"


def duration(seconds: float) -> str:
    if seconds < 0.1:
        return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"


def listed(items: list[str]) -> str:
    """ "a", "a and b", "a, b and c"."""
    return items[0] if len(items) == 1 else f"{', '.join(items[:-1])} and {items[-1]}" if items else ""
