"""neurorec: compare how brains and machines learn sequences, and what that costs in hardware.

    import neurorec as nr
    pair = nr.load_pair("lif_vs_elman")
    run = nr.train(pair.spiking, nr.load_task("row_digits", seed=0), rule="bptt", seed=0)

Every name below is loaded on first use, so that `import neurorec` is instant.
"""

import importlib
from typing import Any

__version__ = "0.1.0"

_HOMES = {
    "load_pair": "neurorec.training",
    "train": "neurorec.training",
    "Run": "neurorec.training",
    "load_task": "neurorec.tasks.task",
    "Task": "neurorec.tasks.task",
    "Batch": "neurorec.tasks.batch",
    "Objective": "neurorec.tasks.objective",
    "Environment": "neurorec.tasks.environment",
    "Layer": "neurorec.models.layer",
    "StepOperations": "neurorec.models.layer",
    "Cell": "neurorec.models.cell",
    "CellCard": "neurorec.models.cell",
    "Readout": "neurorec.models.readout",
    "Network": "neurorec.models.network",
    "Wire": "neurorec.models.wires",
    "EnergyModel": "neurorec.models.energy.model",
    "Engine": "neurorec.engines.engine",
    "Rule": "neurorec.learning.rule",
    "TrainingCard": "neurorec.learning.rule",
    "Info": "neurorec.learning.rule",
    "Analysis": "neurorec.analysis.analysis",
    "RunAnalysis": "neurorec.analysis.analysis",
    "Value": "neurorec.analysis.analysis",
    "Found": "neurorec.analysis.found",
    "analyse": "neurorec.analysis.analysis",
    "load_chip": "neurorec.hardware.chips.chip",
    "load_study": "neurorec.experiments.study",
    "estimate_cost": "neurorec.experiments.verbs",
    "export": "neurorec.experiments.verbs",
    "prepare_study": "neurorec.experiments.kinds.trainings",
    "run_study": "neurorec.experiments.kinds.trainings",
    "check_file": "neurorec.experiments.verbs",
    "Finding": "neurorec.experiments.findings",
    "load_results": "neurorec.report.studies",
    "write_report": "neurorec.report.studies",
    "NeurorecError": "neurorec.basics.errors",
    "InputError": "neurorec.basics.errors",
    "CannotRun": "neurorec.basics.errors",
    "RunFailed": "neurorec.basics.errors",
}
__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'neurorec' has no attribute {name!r}; it offers {', '.join(__all__)}")
    found = getattr(importlib.import_module(_HOMES[name]), name)
    if not _HOMES[name].startswith("neurorec.basics"):
        importlib.import_module("neurorec.basics.plugins").load_plugins()
    return found


def __dir__() -> list[str]:
    return [*__all__, "__version__"]
