"""What is done with a card that was accepted: a network is built and run, a description priced, a study planned."""

from pathlib import Path

import torch

from neurorec.experiments.kind import Asked, study_kinds
from neurorec.experiments.kinds import kind_of, load_any_study
from neurorec.experiments.verbs import check_file
from neurorec.hardware.chips.chip import load_chip
from neurorec.hardware.chips.link import load_link
from neurorec.hardware.communication.link_price import price_traffic
from neurorec.hardware.communication.ring import merge_traffic
from neurorec.hardware.pricing.price import price
from neurorec.hardware.workload.description import described_work, load_description
from neurorec.hardware.workload.description.network_card import Description
from neurorec.models.network import Network
from neurorec.report.pricing import print_costs
from neurorec.tasks.batch import Batch
from neurorec.training import load_pair
from tests.fuzz.card_mutants import ROOT

INPUT = {"size": 20, "signal": "spikes", "spikes_per_step": 0.1}
LAYERS = [{"name": "a", "size": 30, "recurrent_fan_in": 5, "spikes_per_step": 0.1}, {"name": "b", "size": 3}]
NETS = [
    Description.model_validate({"about": "", "neuron": "lif", "steps": 10, "dt_ms": 1.0, "input": INPUT, "layer": LAYERS}),
    Description.model_validate({"about": "", "neuron": "relu", "steps": 1, "batch": 4,
                                "input": {"size": 20, "signal": "values"},
                                "layer": [{"name": "a", "size": 30}, {"name": "b", "size": 3}]}),
]  # fmt: skip
CHIPS = ("loihi1", "spinnaker1", "h100", "cortex_m4")


def use_pair(path: Path) -> None:
    check_file(path)
    for half in load_pair(path).halves:
        generator = torch.Generator().manual_seed(0)
        model = half.build(4, 3, generator)
        frames = torch.ones(1, 1, 4)
        batch = half.encoder.encode_batch(Batch(frames, torch.zeros(1, dtype=torch.long), torch.ones(1)), generator)
        if isinstance(model, Network):
            model(batch.x)
        else:
            model.relax(model.start(batch.x), generator)


def use_chip(path: Path) -> None:
    check_file(path)
    chip = load_chip(path)
    print_costs([price(described_work(net), chip) for net in NETS], training=False)


def use_link(path: Path) -> None:
    check_file(path)
    for workers in (1, 8, 1024):
        price_traffic(merge_traffic(10**6, workers, 100), load_link(path), workers)


def use_description(path: Path) -> None:
    work = described_work(load_description(path))
    print_costs([price(work, chip) for chip in CHIPS], training=False)


def use_study(path: Path) -> None:
    check_file(path)
    load_any_study(path)
    kind = kind_of(path)
    study_kinds[kind]().prepare(Asked(str(path), quick=kind != "silicon_validation", out=path.parent / "out"))


USES = {"pair": use_pair, "chip": use_chip, "link": use_link, "description": use_description, "study": use_study}


def prepare() -> None:
    """What takes long the first time: compiled loops."""
    use_description(ROOT / "docs/networks/liquid_column.toml")
    use_pair(ROOT / "models/hopfield.toml")
    for chip in ("loihi1", "h100"):
        use_chip(ROOT / f"hardware/{chip}.toml")


def prepare_studies() -> None:
    """The data of all tasks, too, which thousands of studies ask for."""
    prepare()
    for study in sorted((ROOT / "experiments").glob("*.toml")):
        use_study(study)


def use(kind: str, path: Path) -> None:
    USES[kind](path)
