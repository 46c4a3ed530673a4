"""Numbers in sentences: three significant digits, a suitable unit after a space, and nouns in the singular or plural."""

import math

_PREFIXES = ((1e12, "T"), (1e9, "G"), (1e6, "M"), (1e3, "k"), (1.0, ""), (1e-3, "m"), (1e-6, "µ"), (1e-9, "n"))


def figures(value: float, n: int = 3) -> str:
    """Rounded to `n` significant digits, without an exponent: 1234.5 -> "1230", 12.34 -> "12.3", 0.01234 -> "0.0123"."""
    if value == 0 or not math.isfinite(value):
        return f"{value:g}"
    rounded = round(value, n - 1 - math.floor(math.log10(abs(value))))
    return f"{rounded:.{max(0, n - 1 - math.floor(math.log10(abs(rounded))))}f}"


def quantity(value: float, unit: str) -> str:
    """9.06e6, "bit" -> "9.06 Mbit"; 0.0227, "W" -> "22.7 mW"."""
    size, prefix = next((pair for pair in _PREFIXES if abs(value) >= pair[0] * 0.9995), (1.0, ""))
    return f"{figures(value / size)} {prefix}{unit}"


def plural(n: float, noun: str) -> str:
    """ "1 step", "1,024 steps"."""
    return f"{n:,.10g} {noun}{'' if n == 1 else 's'}"


def duration(seconds: float) -> str:
    if seconds < 0.1:
        return f"{seconds * 1e3:.3g} ms" if seconds >= 1e-3 else f"{seconds * 1e6:.3g} µs"
    if seconds < 60:
        return f"{seconds:.1f} s" if seconds < 10 else f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
