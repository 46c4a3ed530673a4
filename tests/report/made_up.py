"""Made-up results of the shape that the first study leaves behind: no number here means anything."""

import csv
import math
import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
from safetensors.numpy import save_file

from neurorec.basics.cards import find_card
from neurorec.engines.activity import Activity, LayerActivity, as_arrays
from neurorec.experiments.findings import Baseline, Finding, Findings, PublishedFigure
from neurorec.experiments.results import CostRow, RunRecord, StudyResults
from tests.experiments.tiny import seal

PER_TERM = ("loihi1", "spinnaker1", "cmos_45nm", "cmos_7nm", "a100")
ALL_IN = ("truenorth", "odin", "cortex_m4", "gap9")
# pair, half, network, cell, rule, rule title, tasks, test score
NETS = [
    ("lif_vs_elman", "rate", "Elman", "elman", "bptt", "BPTT", ("row_digits", "store_recall"), 0.93),
    ("lif_vs_elman", "spiking", "recurrent LIF", "lif", "bptt", "surrogate BPTT", ("row_digits", "store_recall"), 0.89),
    ("adaptive_lif_vs_lstm", "rate", "LSTM", "lstm", "bptt", "BPTT", ("row_digits", "store_recall"), 0.96),
    ("adaptive_lif_vs_lstm", "spiking", "adaptive LIF", "adaptive_lif", "bptt", "surrogate BPTT",
     ("row_digits", "store_recall"), 0.92),
    ("liquid_state_vs_echo_state", "rate", "echo state", "echo_state", "ridge", "ridge readout", ("row_digits",), 0.90),
    ("liquid_state_vs_echo_state", "spiking", "liquid state", "liquid_state", "ridge", "ridge readout",
     ("row_digits",), 0.85),
    ("competitive_lif_vs_competitive_learning", "rate", "competitive learning", "competitive", "competitive",
     "competitive learning", ("frame_digits",), 0.82),
    ("competitive_lif_vs_competitive_learning", "spiking", "competitive LIF", "competitive_lif", "stdp", "STDP",
     ("frame_digits",), 0.80),
    ("competitive_lif_vs_competitive_learning", "spiking", "competitive LIF", "competitive_lif", "bptt",
     "surrogate BPTT", ("frame_digits",), 0.91),
]  # fmt: skip
CHANCE = {"row_digits": 0.10, "store_recall": 0.50, "frame_digits": 0.10}
RIDGE = {"row_digits": 0.92, "store_recall": 0.60, "frame_digits": 0.93}
STANCES = {
    "bptt": ("kept", "partly", "kept", "kept", "partly", "kept"),
    "stdp": ("relaxed",) * 6,
    "ridge": ("relaxed", "relaxed", "relaxed", "kept", "kept", "kept"),
    "competitive": ("relaxed", "relaxed", "relaxed", "partly", "kept", "relaxed"),
}


PUBLISHED = PublishedFigure(value=0.95, source="diehl2015", grade="read")


def made_up_results(
    folder: Path, seeds: tuple[int, ...] = (0, 1, 2), files: bool = False, tasks: tuple[str, ...] = tuple(CHANCE)
) -> StudyResults:
    """A whole study, or that of some tasks; with `files`, each run's folder holds what a real one holds."""
    runs = [_run(net, task, seed, folder) for net in NETS for task in net[6] for seed in seeds if task in tasks]
    frozen = [_frozen(run) for run in runs if run.rule == "bptt"]
    runs += frozen + [_baseline(task, seed, kind) for task in tasks for seed in seeds for kind in ("chance", "ridge")]
    if files:
        for run in runs:
            if run.folder is not None:
                _write_files(run)
    return StudyResults(
        study="backprop_vs_stdp",
        question="What does a spiking network lose without backpropagation?",
        report_chip="loihi1",
        quick=False,
        runs=runs,
        costs=[cost for run in runs for cost in _costs(run)],
        matched={
            net[0]: {
                "recurrent_units": "100 on both sides",
                "parameters": "11 510 (rate) and 11 510 (spiking)",
                "input_information": "the same 8 pixel rows; the spiking half sees each row for 5 steps of 1 ms",
                "configurations_tried": "4 learning rates on each side, chosen on the validation split",
            }
            for net in NETS
        },
        chips={
            chip: f"{chip}: a made-up sentence about the chip, its process and what its card counts"
            for chip in PER_TERM + ALL_IN
        },
        sources=["werbos1990", "neftci2019", "diehl2015", "davies2018"],
        exports=[
            {
                "run_id": "r1",
                "target": "nir",
                "path": "network.nir",
                "verdict": "reproduces the reference run: 0 of 4 311 spikes differ",
            },
            {
                "run_id": "r2",
                "target": "nir",
                "path": "",
                "verdict": "refused: NIR has no primitive for lateral inhibition",
            },
        ],
        notes=["norse for recurrent LIF, brian2 (cython) for STDP", "2 CPU cores, no GPU"],
        wall_s=754.2,
        folder=folder,
    )


def made_up_findings() -> Findings:
    """One claim, reproduced, and one that was not measured."""
    found = Finding(
        "accuracy", "", True, (0.9, 0.8), Baseline("ridge on input", 0.7), 0.01, "It works.", 0.8, PUBLISHED
    )
    return Findings(
        "s", "Does it?", "neurorec run s", {"cpu": "c"}, {"torch": "2"}, (0, 1), "d", (found,), ("not this",)
    )


def with_scores(results: StudyResults, scores: dict[tuple[str, str, str], tuple[float, ...]]) -> StudyResults:
    """The same results, but (network, rule, task) proper runs score what `scores` says, seed by seed."""

    def changed(run: RunRecord) -> RunRecord:
        found = scores.get((run.network, run.rule, run.task)) if not run.control else None
        return run if found is None else replace(run, test_score=found[run.seed], extra_scores={})

    return replace(results, runs=[changed(run) for run in results.runs])


def with_other_rounding(results: StudyResults, network: str, difference: float) -> StudyResults:
    """The first seed of every proper training of `network` once more, its score moved by `difference`."""
    reruns = [
        replace(run, run_id=f"{run.run_id}-other", control="other rounding", test_score=run.test_score - difference,
                folder=None)
        for run in results.runs if run.network == network and not run.control and run.seed == 0
    ]  # fmt: skip
    return replace(results, runs=[*results.runs, *reruns])


def with_failure(results: StudyResults, reason: str) -> StudyResults:
    """The first LSTM run failed."""
    at = next(i for i, run in enumerate(results.runs) if run.network == "LSTM" and run.seed == 2)
    nan = math.nan
    failed = replace(
        results.runs[at],
        status="failed",
        reason=reason,
        train_score=nan,
        validation_score=nan,
        test_score=nan,
        extra_scores={},
    )
    runs = [*results.runs[:at], failed, *results.runs[at + 1 :]]
    return replace(results, runs=runs, costs=[cost for cost in results.costs if cost.run_id != failed.run_id])


def _run(net: tuple, task: str, seed: int, folder: Path) -> RunRecord:
    pair, half, network, cell, rule, title, _, score = net
    score = score + 0.01 * (seed - 1) + (0.03 if task == "store_recall" else 0.0)
    label = rule in ("stdp", "competitive")
    extra = {"accuracy (label assignment)": {"train": score - 0.1, "validation": score - 0.11, "test": score - 0.12}}
    run_id = f"{network}-{rule}-{task}-{seed}".replace(" ", "_")
    spiking = half == "spiking"
    return RunRecord(
        run_id=run_id, pair=pair, half=half, control="", network=network, layers={"hidden": cell}, rule=rule, rule_title=title,
        task=task, seed=seed, engine="norse" if spiking else "torch", device="cpu", metric="accuracy", unit="",
        higher_is_better=True,
        train_score=score + 0.02, validation_score=score + 0.01, test_score=score,
        extra_scores=extra if label else {}, chance_score=CHANCE[task], baseline="ridge on input", baseline_score=RIDGE[task],
        parameters=11510, dt_ms=1.0 if spiking else None, spikes_per_sample=312.5 if spiking else 0.0,
        judgements=[(stance, f"because of what {title} does at this point") for stance in STANCES[rule]],
        status="done", reason="", wall_s=12.5, training={"samples_seen": 4000.0, "weight_updates": 1200.0},
        versions={"neurorec": "0.1.0", "torch": "2.13.0", "norse": "1.1.0", "numpy": "2.3.5"},
        folder=folder / "done" / run_id,
    )  # fmt: skip


def _frozen(run: RunRecord) -> RunRecord:
    return replace(run, run_id=f"{run.run_id}-frozen", control="frozen recurrence", test_score=run.test_score - 0.15,
                   folder=None)  # fmt: skip


def _baseline(task: str, seed: int, kind: str) -> RunRecord:
    score = CHANCE[task] if kind == "chance" else RIDGE[task]
    name = {"chance": "chance", "ridge": "ridge on input"}[kind]
    return RunRecord(
        run_id=f"{kind}-{task}-{seed}", pair="", half="baseline", control=name,
        network=name, layers={}, rule="", rule_title="", task=task, seed=seed,
        engine="numpy", device="cpu", metric="accuracy", unit="",
        higher_is_better=True, train_score=score, validation_score=score, test_score=score, extra_scores={},
        chance_score=CHANCE[task], baseline="ridge on input", baseline_score=RIDGE[task], parameters=0,
        spikes_per_sample=0.0, judgements=[], status="done", reason="", wall_s=0.1,
    )  # fmt: skip


def _costs(run: RunRecord) -> list[CostRow]:
    if run.half == "baseline":
        return []
    rows = [_per_term(run, chip, scale) for chip, scale in zip(PER_TERM, (1.0, 300.0, 0.6, 0.15, 4.0), strict=True)]
    return rows + [_all_in(run, chip, scale) for chip, scale in zip(ALL_IN, (0.5, 0.3, 50.0, 6.0), strict=True)]


def _work(run: RunRecord) -> dict[str, float]:
    spiking, step = run.half == "spiking", 1 + 0.1 * run.seed
    return {
        "synaptic_events_per_sample": 31250.0 * step if spiking else 0.0,
        "macs_per_sample": 1000.0 if spiking else 92160.0,
    }


def _per_term(run: RunRecord, chip: str, scale: float) -> CostRow:
    if chip in ("loihi1", "spinnaker1") and run.half == "rate":
        why = "the chip sends spikes; this network sends real values and needs multiply-accumulates with gates"
        return CostRow(run.run_id, chip, "per-term", False, why, **_work(run))
    step = scale * (1 + 0.1 * run.seed)
    parts = {"compute_pJ": 4e5 * step, "memory_pJ": 3e5 * step, "communication_pJ": 1e5 * step, "static_pJ": 2e5 * step}
    total, at_least = sum(parts.values()), run.layers["hidden"] in ("adaptive_lif", "lstm")
    return CostRow(
        run.run_id, chip, "per-term", True, "", at_least=at_least, total_pJ=total, total_low_pJ=0.6 * total,
        total_high_pJ=1.9 * total, dynamic_pJ=8e5 * step, **parts, latency_us=4000.0, **_work(run),
        communication_bits=1e5, training_total_pJ=1e11 * step if run.rule == "bptt" else None,
        training_why_not="" if run.rule == "bptt" else "the card has no price for on-chip learning",
        unpriced=("threshold adaptation",) if at_least else (), static_basis="over 40 ms, 2 of 128 cores",
    )  # fmt: skip


def _all_in(run: RunRecord, chip: str, scale: float) -> CostRow:
    spiking_only = chip in ("truenorth", "odin")
    if (run.half == "rate") == spiking_only:
        why = "no integer event loop was measured on it" if not spiking_only else "the chip runs spiking neurons only"
        return CostRow(run.run_id, chip, "all-in", False, why, **_work(run))
    total = 1e6 * scale * (1 + 0.1 * run.seed)
    return CostRow(run.run_id, chip, "all-in", True, "", total_pJ=total, total_low_pJ=0.8 * total,
                   total_high_pJ=1.3 * total, **_work(run))  # fmt: skip


def _write_files(run: RunRecord) -> None:
    assert run.folder is not None
    rng, H, T, S, lines = np.random.default_rng(run.seed), 100, 120, 3, 64
    run.folder.mkdir(parents=True)
    with (run.folder / "history.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["epoch", "loss", "validation_score"])
        for epoch in range(1, 21):
            score = run.validation_score * (1 - math.exp(-epoch / 4)) + 0.01 * rng.normal()
            writer.writerow([epoch, 2.3 * math.exp(-epoch / 5), score if run.rule != "stdp" else ""])
    spiking = run.half == "spiking"
    signal, none = "spikes" if spiking else "values", np.zeros(0)
    raster = (rng.random((T, S, H)) < 0.04) & spiking
    seen = (rng.random((T, S, lines)) < 0.1) & spiking
    layers = {"input": LayerActivity(signal, none, none, seen), "hidden": LayerActivity(signal, none, none, raster)}
    np.savez(run.folder / "activity.npz", **as_arrays(Activity(200, T, layers)))
    shutil.copy(find_card("models", run.pair), run.folder / f"{run.pair}.toml")
    yy, xx = np.mgrid[0:8, 0:8]
    centres = rng.uniform(1, 6, (H, 2))
    fields = np.exp(-((yy - centres[:, :1, None]) ** 2 + (xx - centres[:, 1:, None]) ** 2) / 4)
    save_file({"layers.hidden.w_in": fields.reshape(H, lines).astype(np.float32)}, run.folder / "weights.safetensors")
    seal(run.folder)
