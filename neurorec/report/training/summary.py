"""Runs that differ only in their seed form a group, with mean, standard deviation and number of seeds."""

import statistics
from dataclasses import dataclass

from neurorec.experiments.results import OTHER_ROUNDING, CostRow, RunRecord, StudyResults, scores_of
from neurorec.learning.rule import rules
from neurorec.report import wording
from neurorec.report.spread import Spread, spread
from neurorec.report.table import Amount
from neurorec.report.training.rows import stances_of


@dataclass(frozen=True)
class ChipCost:
    """One group on one chip, per inference of one sample: means over seeds; the band spans all seeds' bands."""

    chip: str
    scope: str
    can_run: bool
    why_not: str
    at_least: bool
    total: Spread
    low_pJ: float | None
    high_pJ: float | None
    dynamic_pJ: float | None
    parts_pJ: dict[str, float | None]  #: compute, memory, communication, static; per-term chips only
    latency_us: float | None
    training_total_pJ: float | None
    training_low_pJ: float | None
    training_high_pJ: float | None
    training_at_least: bool
    training_bits: float | None  #: communicated in the whole training
    training_why_not: str
    unpriced: tuple[str, ...]
    static_basis: str

    @property
    def amount(self) -> Amount | None:
        """The total with its band, in pJ."""
        return Amount(self.total.mean, self.low_pJ, self.high_pJ, self.at_least) if self.total.n else None

    @property
    def total_text(self) -> str:
        return wording.energy(self.total.mean, self.at_least) if self.total.n else "–"

    @property
    def band_text(self) -> str:
        return wording.energy_band(self.low_pJ, self.high_pJ, self.total.mean) if self.total.n else ""


PARTS = ("compute", "memory", "communication", "static")


@dataclass(frozen=True)
class Group:
    """One network trained by one rule on one task (or one control of it, or one baseline), over its seeds."""

    task: str
    pair: str
    half: str
    control: str
    network: str
    rule: str
    rule_title: str
    metric: str
    unit: str
    higher_is_better: bool
    runs: tuple[RunRecord, ...]  #: finished ones
    failed: tuple[RunRecord, ...]
    scores: dict[str, dict[str, Spread]]  #: metric -> split -> spread
    costs: dict[str, ChipCost]  #: chip -> cost
    events_per_sample: float
    macs_per_sample: float
    rounding: float | None = None  #: change of the test score with another order of summation

    @property
    def test(self) -> Spread:
        return self.scores[self.metric]["test"]

    @property
    def metric_text(self) -> str:
        """ "accuracy (readout)", "cross-entropy (nats/symbol)"."""
        return f"{self.metric} ({self.unit})" if self.unit else self.metric

    @property
    def key(self) -> tuple[str, str, str, str]:
        """Identifies network, rule and control on any task; determines colour and marker on the page."""
        return (self.pair, self.half, self.network, self.rule)

    @property
    def label(self) -> str:
        """ "adaptive LIF, surrogate BPTT", with the control in brackets."""
        if self.half == "baseline":
            return self.network
        trained = f"{self.network}, {self.rule_title}" if self.rule_title else self.network
        return f"{trained} ({self.control})" if self.control else trained

    @property
    def proper(self) -> bool:
        return self.half != "baseline" and not self.control

    @property
    def constant(self) -> bool:
        """Whether this is the baseline with a constant answer."""
        return self.half == "baseline" and all(
            run.control != run.baseline and run.test_score == run.chance_score for run in self.runs
        )

    @property
    def work_text(self) -> str:
        """Work per sample: synaptic events for spikes, multiply-accumulates for values."""
        parts = ((self.events_per_sample, "events"), (self.macs_per_sample, "MACs"))
        return " + ".join(f"{wording.count(number)} {name}" for number, name in parts if number > 0) or "–"

    @property
    def untrained(self) -> bool:
        """Whether only its readout was trained."""
        return self.proper and self.rule in rules and rules[self.rule].readout_only

    @property
    def judgements(self) -> list[tuple[str, str]]:
        """(stance, why) of its rule per objection; empty for baselines."""
        return (self.runs + self.failed)[0].judgements

    @property
    def stances(self) -> dict[str, int | str]:
        return stances_of((self.runs + self.failed)[0])


def are_shares(groups: list[Group]) -> bool:
    """Whether all scores are shares between 0 and 1, so that an axis may show the whole range."""
    return all(
        group.higher_is_better and not group.unit and all(0 <= v <= 1 for v in group.test.values) for group in groups
    )


def tasks_of(results: StudyResults) -> list[str]:
    return list(dict.fromkeys(run.task for run in results.runs))


def chips_of(results: StudyResults, scope: str) -> list[str]:
    """Chips of one scope, the report chip first."""
    chips = list(dict.fromkeys(cost.chip for cost in results.costs if cost.scope == scope))
    return sorted(chips, key=lambda chip: chip != results.report_chip)


def better(one: Group, other: Group) -> bool:
    """Whether `one` has the better mean test score; both have the same metric."""
    return (one.test.mean > other.test.mean) == one.higher_is_better


def groups_of(results: StudyResults, task: str | None = None) -> list[Group]:
    """In reading order: trivial baselines, then pair by pair (each control below its network), then the constant answer."""
    collected: dict[tuple[str, ...], list[RunRecord]] = {}
    reruns: dict[tuple[str, ...], list[RunRecord]] = {}
    for run in results.runs:
        if task in (None, run.task):
            rerun = run.control == OTHER_ROUNDING
            key = (run.task, run.pair, run.half, run.network, run.rule, "" if rerun else run.control)
            (reruns if rerun else collected).setdefault(key, []).append(run)
    costs: dict[str, list[CostRow]] = {}
    for cost in results.costs:
        costs.setdefault(cost.run_id, []).append(cost)
    groups = [_group(runs, reruns.get(key, []), costs) for key, runs in collected.items()]
    order = {name: at for at, name in enumerate([*tasks_of(results), *dict.fromkeys(run.pair for run in results.runs)])}
    return sorted(groups, key=lambda group: _place(group, order))


def _place(group: Group, order: dict[str, int]) -> tuple:
    block = 1 if group.half != "baseline" else 2 if group.constant else 0
    return (order[group.task], block, order[group.pair], group.half, group.network, group.rule, group.control)


def _group(runs: list[RunRecord], reruns: list[RunRecord], costs: dict[str, list[CostRow]]) -> Group:
    done = tuple(run for run in runs if run.status == "done")
    first = (done or tuple(runs))[0]
    rows = [row for run in done for row in costs.get(run.run_id, [])]
    metrics = dict.fromkeys([first.metric, *(name for run in done for name in scores_of(run))])
    shared = (
        "task",
        "pair",
        "half",
        "control",
        "network",
        "rule",
        "rule_title",
        "metric",
        "unit",
        "higher_is_better",
    )
    by_seed = {run.seed: run.test_score for run in done}
    moved = [abs(run.test_score - by_seed[run.seed]) for run in reruns if run.status == "done" and run.seed in by_seed]
    return Group(
        **{name: getattr(first, name) for name in shared},
        runs=done,
        failed=tuple(run for run in (*runs, *reruns) if run.status != "done"),
        scores={metric: _splits(done, metric) for metric in metrics},
        costs={chip: _cost([row for row in rows if row.chip == chip]) for chip in dict.fromkeys(r.chip for r in rows)},
        events_per_sample=_work(rows, "synaptic_events_per_sample"),
        macs_per_sample=_work(rows, "macs_per_sample"),
        rounding=max(moved, default=None),
    )


def _splits(runs: tuple[RunRecord, ...], metric: str) -> dict[str, Spread]:
    found = [scores_of(run).get(metric, {}) for run in runs]
    return {split: spread(scores.get(split) for scores in found) for split in ("train", "validation", "test")}


def _work(rows: list[CostRow], name: str) -> float:
    """Mean over seeds of the work per sample (chips that cannot run the network may report none)."""
    per_run: dict[str, float] = {}
    for row in rows:
        per_run[row.run_id] = max(per_run.get(row.run_id, 0.0), getattr(row, name))
    return statistics.fmean(per_run.values()) if per_run else 0.0


def _cost(rows: list[CostRow]) -> ChipCost:
    able = [row for row in rows if row.can_run]

    def mean(name: str) -> float | None:
        known = spread(getattr(row, name) for row in able)
        return known.mean if known.n else None

    lows = [row.total_low_pJ for row in able if row.total_low_pJ is not None]
    highs = [row.total_high_pJ for row in able if row.total_high_pJ is not None]
    return ChipCost(
        chip=rows[0].chip,
        scope=rows[0].scope,
        can_run=bool(able),
        why_not=next((row.why_not for row in rows if not row.can_run), ""),
        at_least=any(row.at_least for row in able),
        total=spread(row.total_pJ for row in able),
        low_pJ=min(lows, default=None),
        high_pJ=max(highs, default=None),
        dynamic_pJ=mean("dynamic_pJ"),
        parts_pJ={part: mean(f"{part}_pJ") for part in PARTS} if rows[0].scope == "per-term" else {},
        latency_us=mean("latency_us"),
        training_total_pJ=mean("training_total_pJ"),
        training_low_pJ=min((row.training_low_pJ for row in able if row.training_low_pJ is not None), default=None),
        training_high_pJ=max((row.training_high_pJ for row in able if row.training_high_pJ is not None), default=None),
        training_at_least=any(row.training_unpriced for row in able),
        training_bits=mean("training_communication_bits"),
        training_why_not=next((row.training_why_not for row in rows if row.training_why_not), ""),
        unpriced=tuple(dict.fromkeys(term for row in able for term in row.unpriced)),
        static_basis=next((row.static_basis for row in able if row.static_basis), ""),
    )
