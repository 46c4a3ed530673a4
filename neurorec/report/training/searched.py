"""How constants were chosen: what every training was allowed, what it used, and what came out."""

from typing import Any

from neurorec.basics.quantities import duration, plural
from neurorec.experiments.results import StudyResults
from neurorec.experiments.search.trial_records import SearchResults, best_of
from neurorec.report import wording
from neurorec.report.parts import Facts, Text
from neurorec.report.table import Column, Table
from neurorec.report.training.search_costs import constants_text, cost_of, energy_pJ
from neurorec.report.training.summary import groups_of

ABOUT = (
    "Before the runs above, the constants of each training were searched: every training got the same number of trials, each "
    "with at most the same number of epochs and samples. Trials were scored on validation data and never read the test split, "
    "which was read once, by the final runs with the best constants. The energy of a search is its samples times the energy "
    "per sample of the final training on {chip}."
)


def search_parts(results: StudyResults, chip: str) -> list[Any]:
    """The parts of the section; none if nothing was searched."""
    search = results.search
    if search is None:
        return []
    seeds = f"{plural(len(search.seeds), 'seed')} ({', '.join(map(str, search.seeds))})"
    facts = [
        ("budget", f"{plural(search.trials, 'trial')} per training on {seeds}; at most {plural(search.epochs, 'epoch')} and "
         f"{plural(search.samples, 'sample')} each"),
        ("sampler", search.sampler),
        *[(f"searched for {rule}", "; ".join(f"{name}: {_span(span)}" for name, span in spans.items()))
          for rule, spans in search.space.items()],
        *[(f"not searched for {rule}", why) for rule, why in search.fixed.items()],
    ]  # fmt: skip
    return [Text(ABOUT.format(chip=chip or "the report chip")), Facts(facts), _table(results, search, chip)]


def _span(span: dict[str, Any]) -> str:
    ((kind, values),) = span.items()
    said = " or ".join if kind == "choices" else " to ".join
    return said(f"{value:g}" if isinstance(value, int | float) else str(value) for value in values) + (
        " (log)" if kind == "log" else ""
    )


def _table(results: StudyResults, search: SearchResults, chip: str) -> Table:
    columns = [
        *map(Column, ("network", "rule", "task")), Column("trials\n(failed)", "number"), Column("samples\nseen", "number"),
        Column("time", "number"), Column("energy", "energy"), Column("best\nvalidation\nscore", "number"), Column("chosen"),
    ]  # fmt: skip
    costs = {cost.run_id: cost for cost in results.costs if cost.chip == chip}
    rows = []
    for group in groups_of(results):
        run = next(iter(group.runs + group.failed))
        records = search.of((group.pair, group.half, group.rule, group.task))
        if not group.proper or not records:
            continue
        used, best = cost_of(records), best_of(records)
        rows.append([
            group.network, group.rule_title, group.task, f"{used['search_trials']} ({used['search_failed']})",
            wording.count(used["search_samples_seen"]), duration(used["search_wall_s"]),
            energy_pJ(records, run, costs.get(run.run_id)), None if best is None else f"{best.score:.3f}",
            "all failed: the card's" if best is None else constants_text(best.settings),
        ])  # fmt: skip
    return Table("Searches", columns, rows, look="fine")
