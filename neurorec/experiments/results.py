"""Results of a training study as plain data: one `RunRecord` per run, one `CostRow` per run and chip.

The report reads only these (and the files in each run's folder), so it can be rebuilt at any time without training.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from neurorec.basics.errors import needed
from neurorec.experiments.analyses.analysis_record import AnalysisRecord, failure_lines
from neurorec.experiments.findings import Findings
from neurorec.experiments.search.trial_records import SearchResults

OTHER_ROUNDING = "other rounding"  #: a control: the same training and seed with another order of summation


@dataclass(frozen=True)
class RunRecord:
    """One finished (or failed) run.

    `folder` holds run.json, and for trained networks history.csv (columns epoch, loss, validation_score),
    weights.safetensors, activity.npz (arrays named as the fields of `Activity`) and PAIR.toml, the pair card. Baselines
    (chance, ridge on the raw input) are runs too, with half "baseline" and only run.json. manifest.json has the SHA-256 of
    each file.
    """

    run_id: str
    pair: str  #: card name, or "" for baselines
    half: Literal["rate", "spiking", "baseline"]
    control: str  #: "" for an ordinary run, "frozen recurrence", "other rounding", or the name of a baseline
    network: str  #: title: "LSTM", "adaptive LIF", "ridge on the input"
    layers: dict[str, str]  #: the registered cell (or energy model) of each hidden layer; empty for baselines
    rule: str  #: registered name, or ""
    rule_title: str  #: title: "surrogate BPTT", "STDP"
    task: str
    seed: int
    engine: str
    device: str
    metric: str  #: "accuracy", "mean squared error"
    unit: str  #: "" or "nats/symbol"
    higher_is_better: bool
    train_score: float
    validation_score: float
    test_score: float
    extra_scores: dict[str, dict[str, float]]  #: further metrics, name -> {"train", "validation", "test"}
    chance_score: float  #: of the constant answer, on the test split
    baseline: str  #: the best other trivial baseline of the same task and seed, such as "ridge on input"
    baseline_score: float
    parameters: int
    spikes_per_sample: float
    judgements: list[tuple[str, str]]  #: (stance, why) per objection; empty for baselines
    status: Literal["done", "failed"]
    reason: str  #: reason of failure, or ""
    wall_s: float
    training: dict[str, float] = field(default_factory=dict)  #: samples_seen, weight_updates, and choices of the rule
    versions: dict[str, str] = field(default_factory=dict)
    inputs: int = 0  #: numbers per step that the task gives; 0 for baselines
    outputs: int = 0  #: units of the readout; 0 for baselines
    dt_ms: float | None = None  #: length of a time step; None for networks without physical time
    exhaustive: bool = False  #: whether the task's splits hold the same patterns
    settings: dict[str, Any] = field(default_factory=dict)  #: constants chosen by a search, instead of the card's
    health: list[str] = field(default_factory=list)  #: what the health checks found
    processor: str = ""  #: instruction set and type, on which the last bits of results depend
    folder: Path | None = None

    @property
    def stored_in(self) -> Path:
        """The folder. Raises `InputError` if the run is not stored."""
        return needed(self.folder, f'run "{self.run_id}" is not stored; run its study first')


def scores_of(run: RunRecord) -> dict[str, dict[str, float]]:
    """All metrics of a run, the main one first: name -> {"train", "validation", "test"}."""
    first = {"train": run.train_score, "validation": run.validation_score, "test": run.test_score}
    return {run.metric: first, **{name: scores for name, scores in run.extra_scores.items() if name != run.metric}}


@dataclass(frozen=True)
class CostRow:
    """The cost of one run's network on one chip, per inference of one sample unless the name says otherwise.

    A chip that cannot run the network has can_run False and why_not set; numbers are then None. All-in chips have a total
    and no split. `at_least`: some term that the chip must price has no price (listed in `unpriced`).
    """

    run_id: str
    chip: str
    scope: Literal["per-term", "all-in"]
    can_run: bool
    why_not: str
    at_least: bool = False
    total_pJ: float | None = None
    total_low_pJ: float | None = None
    total_high_pJ: float | None = None
    dynamic_pJ: float | None = None
    compute_pJ: float | None = None
    memory_pJ: float | None = None
    communication_pJ: float | None = None
    static_pJ: float | None = None
    latency_us: float | None = None
    synaptic_events_per_sample: float = 0.0
    macs_per_sample: float = 0.0
    communication_bits: float | None = None
    training_total_pJ: float | None = None
    training_communication_bits: float | None = None
    training_low_pJ: float | None = None
    training_high_pJ: float | None = None
    training_dynamic_pJ: float | None = None
    training_static_pJ: float | None = None
    training_unpriced: tuple[str, ...] = ()  #: terms that make the training's total "at least"
    training_why_not: str = ""
    unpriced: tuple[str, ...] = ()
    static_basis: str = ""  #: time and share of the chip


@dataclass(frozen=True)
class StudyResults:
    """Everything that the report needs."""

    study: str
    question: str
    report_chip: str
    quick: bool
    runs: list[RunRecord]
    costs: list[CostRow]
    matched: dict[str, dict[str, str]]  #: pair -> the `matched` texts of its card
    chips: dict[str, str]  #: chip -> the `about` text of its card
    sources: list[str]  #: citation keys of everything used
    exports: list[dict[str, str]]  #: one per exported file, or refusal: run_id, target, path, verdict
    notes: list[str]  #: how it was run: engines, machine, compiled or not
    wall_s: float
    folder: Path
    findings: Findings | None = None  #: None in results of older versions
    analyses: list[AnalysisRecord] = field(default_factory=list)
    search: SearchResults | None = None  #: how constants were chosen, if the study's card says
    damaged: list[str] = field(default_factory=list)  #: files that are no longer what was stored, found when reading

    @property
    def failures(self) -> list[str]:
        failed = [
            f"{run.network}, {run.rule_title}, {run.task}, seed {run.seed}: {run.reason or 'no reason was recorded'}"
            for run in self.runs
            if run.status == "failed"
        ]
        return failed + failure_lines(self.analyses) + self.damaged
