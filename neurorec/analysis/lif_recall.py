"""How many random patterns a LIF attractor network recalls, compared with the Hopfield network of the same weights."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.digit_completion import ATTRACTOR
from neurorec.analysis.found import Curves, Found, Raster, series
from neurorec.analysis.hopfield_capacity import LOST, falls_through
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Distinct, Probability
from neurorec.basics.seeds import torch_generator
from neurorec.learning.rule import TrainingCard, rules
from neurorec.models.energy.hopfield import Hopfield
from neurorec.models.energy.lif_attractor import LIFAttractor, LIFAttractorCard
from neurorec.models.energy.model import EnergyModelCard, Relaxed
from neurorec.tasks.batch import Batch

CUE_MS = 50.0


class LIFRecallSettings(Card):
    size: Annotated[int, Field(ge=2, le=5000)]
    loads: Annotated[Distinct[Annotated[float, Field(gt=0, le=2)]], Field(min_length=2)]  #: patterns per unit
    rule: Literal["hebbian", "pseudo_inverse"]
    flipped: Probability  #: share of each cue's units that are flipped
    cues: Annotated[int, Field(ge=1, le=1000)]


@analyses.register("lif_recall")
class LIFRecall(Analysis):
    """The Hopfield network starts from cues with flipped units. LIF neurons receive these cues as currents for 50 ms, and are
    read for 50 ms, 100 ms after the currents have ended. Rates are relative to that of a neuron in a field of 1."""

    about = (
        "Overlap of recalled and stored patterns in a network of LIF neurons, against the number of patterns per unit"
    )
    sources = ("hopfield1982", "amit1985")
    Settings = LIFRecallSettings
    example = {"size": 40, "loads": [0.05, 0.3], "rule": "hebbian", "flipped": 0.1, "cues": 5}  # noqa: RUF012
    gives = {  # noqa: RUF012
        "overlap at the lowest load": Value("of LIF neurons: 1 if every neuron is right", higher_is_better=True),
        "overlap of the Hopfield network": Value("at the lowest load", higher_is_better=True),
        "critical load": Value("patterns per unit at which the overlap falls through 0.85", higher_is_better=True),
        "critical load of the Hopfield network": Value("the same, with the same weights", higher_is_better=True),
        "rate for +1": Value("at the lowest load, of neurons that should fire"),
        "rate for -1": Value("at the lowest load, of neurons that should be silent"),
    }

    def run(self, settings: LIFRecallSettings, seed: int) -> Found:
        loads = sorted(settings.loads)
        found = [recalled(settings, load, seed) for load in loads]
        spiking = [float((seen.states * wanted).mean()) for seen, _, wanted, _ in found]
        plain = [float((states * wanted).mean()) for _, states, wanted, _ in found]
        seen, _, wanted, model = found[0]
        spikes = torch.zeros(0) if seen.sent is None else seen.sent
        rates = spikes[-50:].sum(0) / (model.rate_per_ms * ATTRACTOR["read_ms"])
        cue = 1 - 2 * round(settings.flipped * settings.size) / settings.size
        values = {
            "overlap at the lowest load": spiking[0],
            "overlap of the Hopfield network": plain[0],
            "critical load": falls_through(loads, spiking, LOST),
            "critical load of the Hopfield network": falls_through(loads, plain, LOST),
            "rate for +1": float(rates[wanted > 0].mean()),
            "rate for -1": float(rates[wanted < 0].mean()),
        }
        at, neurons = spikes[:, 0].nonzero().T
        place = wanted[0].argsort(descending=True, stable=True).argsort()
        figures = (
            Curves(
                f"Recall by {settings.size} LIF neurons, {rules[settings.rule].title}",
                "The same weights in both networks, from the same cues.", "patterns per unit",
                "overlap with the stored pattern", {
                    "LIF neurons": series(loads, spiking), "Hopfield network": series(loads, plain),
                    "the cue": series(loads, [cue] * len(loads)),
                }, level=1.0,
            ),
            Raster(
                "Spikes during recall",
                f"Neurons that should fire come first (up to {int((wanted[0] > 0).sum())}). The cue ends after {CUE_MS:g} ms.",
                (at * ATTRACTOR["dt_ms"]).tolist(), place[neurons].tolist(),
            ),
        )  # fmt: skip
        return Found(values, figures, {"overlap at the lowest load": ("the cue itself", cue)})


def recalled(settings: LIFRecallSettings, load: float, seed: int) -> tuple[Relaxed, Tensor, Tensor, LIFAttractor]:
    """What LIF neurons do, what the Hopfield network settles in, the patterns [cues, N] that were cued, and the LIF network."""
    N, generator = settings.size, torch_generator(seed, f"lif_recall {settings.size} {load:g}")
    count = max(1, round(load * N))
    patterns = 2.0 * torch.randint(2, (count, N), generator=generator, dtype=torch.float64) - 1
    plain = Hopfield(EnergyModelCard(name="hopfield", max_sweeps=50), N).double()
    rule = rules[settings.rule]
    card: TrainingCard = rule.Card(rule=settings.rule, task="", epochs=1, batch_size=count)
    rule(card).step(plain, None, Batch(patterns[None], None, torch.ones(1, dtype=torch.bool)))
    made = LIFAttractor(LIFAttractorCard(name="lif_attractor", **{**ATTRACTOR, "cue_ms": CUE_MS}), N).double()
    made.load_state_dict(plain.state_dict())
    wanted = patterns[: settings.cues]
    flipped = torch.rand(wanted.shape, generator=generator).argsort(1) < round(settings.flipped * N)
    cues = torch.where(flipped, -wanted, wanted)
    return made.relax(cues, generator), plain.relax(cues, generator).states, wanted, made
