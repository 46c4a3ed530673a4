"""Sections for analyses: values with their spread over seeds, plots against what is swept, and the figures that they found."""

import itertools
from collections.abc import Sequence
from functools import partial
from typing import Any

from neurorec.analysis.analysis import Value
from neurorec.analysis.found import Curves, series
from neurorec.basics.files import file_stem
from neurorec.experiments.analyses.analysis_record import AnalysisRecord
from neurorec.report.parts import Facts, Fold, Plots, Section, Text
from neurorec.report.plots.figures import part_of
from neurorec.report.plots.style import Plot
from neurorec.report.spread import spread
from neurorec.report.table import Column, Table
from neurorec.report.wording import duration, figures

DIGITS = 4
FEW = 3  #: swept points from which on values are plotted


def analysis_sections(records: Sequence[AnalysisRecord]) -> list[Section]:
    """A section per analysis, or per kind of those without a sweep: values, and figures; those of all but the first seed
    are behind a fold."""
    together: dict[str, list[AnalysisRecord]] = {}
    for record in records:
        together.setdefault(record.name if record.at else f"all {record.of}", []).append(record)
    return [_section(found) for found in together.values()]


def _section(records: list[AnalysisRecord]) -> Section:
    """Of one analysis, perhaps swept, or of several of one kind that are not."""
    done = [each for each in records if each.status == "done"]
    names, first = list(dict.fromkeys(each.name for each in records)), records[0]
    title = first.name if len(names) == 1 else first.of
    parts: list[Any] = [Text(f"{first.about}.{f' Analysed: {first.on}.' if first.on and len(names) == 1 else ''}")]
    parts += _measured(title, done)
    if done:
        seed = min(each.seed for each in done)
        parts += _drawn([each for each in done if each.seed == seed], len(names) > 1)
        others = [part for other in sorted({each.seed for each in done} - {seed})
                  for part in _drawn([each for each in done if each.seed == other], len(names) > 1)]  # fmt: skip
        parts += [Fold("Figures of the other seeds", others, text=False)] if others else []
    seconds = f"{duration(sum(each.wall_s for each in records))} for all seeds"
    meaning = [(value, said.about) for value, said in first.gives.items()]
    parts.append(
        Fold("What the values mean, and settings", [Facts([*meaning, *_settings(records), ("time", seconds)])])
    )
    return Section(f"analysis-{file_stem(title)}", title.replace("_", " "), parts)


def _settings(records: list[AnalysisRecord]) -> list[tuple[str, str]]:
    """Settings that are not swept; those in which analyses differ are given for each."""
    one = {record.name: record for record in records}
    found = []
    for key in records[0].settings:
        said = {name: _short(record.settings[key]) for name, record in one.items() if key not in record.at}
        if len(set(said.values())) == 1:
            found.append((key, next(iter(said.values()))))
        else:
            found += [(f"{key} ({name})", value) for name, value in said.items()]
    return found


def _short(value: Any) -> str:
    return ", ".join(map(_short, value)) if isinstance(value, list | tuple) else str(value)


def _measured(name: str, done: list[AnalysisRecord]) -> list[Any]:
    """The table of values by swept point, and their plots if one number is swept."""
    if not done or not done[0].gives:
        return []
    points = list({(each.name, str(each.at)): (each.name, each.at) for each in done}.values())
    gives, swept = done[0].gives, list(done[0].at)
    several = len({name for name, _ in points}) > 1
    heads = [Column(key.replace("_", " ")) for key in swept] or [Column("")]
    columns = [*heads, *(Column(_label(key, value), "number", DIGITS) for key, value in gives.items())]
    rows = [
        [*(list(map(_short, at.values())) or [own.replace("_", " ") if several else "mean ± standard deviation (seeds)"]),
         *(spread(each.values[key] for each in done if (each.name, each.at) == (own, at)) for key in gives)]
        for own, at in points
    ]  # fmt: skip
    parts: list[Any] = [Table(name.replace("_", " "), columns, rows, look="fine", terminal=True)]
    if len(swept) == 1 and len(points) >= FEW and all(isinstance(at[swept[0]], int | float) for _, at in points):
        known = [key for key in gives if any(each.values[key] == each.values[key] for each in done)]
        drawn = (part_of(_against(key, gives[key], swept[0], done), f"{name}-{key}") for key in known)
        parts += side_by_side(list(drawn))
    return parts


def _label(key: str, value: Value) -> str:
    return f"{key} ({value.unit})" if value.unit else key


def _against(key: str, value: Value, swept: str, done: list[AnalysisRecord]) -> Curves:
    """One line per seed."""
    lines = {}
    for seed in sorted({each.seed for each in done}):
        own = sorted((each.at[swept], each.values[key]) for each in done if each.seed == seed)
        lines[f"seed {seed}"] = series((x for x, _ in own), (y for _, y in own))
    all_y = [y for _, ys in lines.values() for y in ys if y == y]
    level = 0.0 if min(all_y) < 0 < max(all_y) else None
    label = swept.replace("_", " ")
    found = f"From {figures(min(all_y))} to {figures(max(all_y))}."
    return Curves(f"{key} against {label}", found, label, _label(key, value), lines, level=level)


def _drawn(records: list[AnalysisRecord], named: bool) -> list[Any]:
    parts = []
    for record in records:
        said = [record.name.replace("_", " ")] if named else []
        said += [f"{key.replace('_', ' ')} {value}" for key, value in record.at.items()]
        drawn = [part_of(figure, f"{record.run_id}-{n}") for n, figure in enumerate(record.figures)]
        seed = f"seed {record.seed}:"
        parts += [Text(f"{', '.join(said)}; {seed}" if said else seed.capitalize())] if drawn else []
        parts += side_by_side(drawn)
    return parts


def side_by_side(parts: Sequence[Any]) -> list[Any]:
    """Neighbouring plots as one part, so that the page can set them beside each other."""
    found: list[Any] = []
    for drawable, run in itertools.groupby(parts, lambda part: isinstance(part, Plots)):
        group = list(run)
        found += [Plots(partial(_all, group))] if drawable else group
    return found


def _all(parts: Sequence[Plots]) -> list[Plot]:
    return [plot for part in parts for plot in part.plots]
