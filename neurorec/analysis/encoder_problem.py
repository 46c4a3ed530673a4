"""The encoder problem: patterns of two groups of units, of which the same one is on in both, through few hidden units."""

from typing import Annotated, Literal

import torch
from pydantic import Field
from torch import Tensor

from neurorec.analysis.analysis import Analysis, Value, analyses
from neurorec.analysis.found import Curves, Found, Picture, series
from neurorec.basics.cards import Card
from neurorec.basics.numbers import Count, LearningRate, Repeats, Share
from neurorec.basics.seeds import torch_generator
from neurorec.learning.contrastive_divergence import ContrastiveDivergence
from neurorec.learning.persistent_contrastive_divergence import PersistentContrastiveDivergence
from neurorec.models.energy.restricted_boltzmann import RestrictedBoltzmann, RestrictedBoltzmannCard
from neurorec.models.energy.sampling import every_state
from neurorec.tasks.batch import Batch
from neurorec.tasks.objectives.log_likelihood import LogLikelihood

POINTS = 25  #: of the learning curves


class EncoderProblemCard(Card):
    units: Annotated[int, Field(ge=2, le=100)]  #: N, per group: of each pattern, one is on
    hidden: Annotated[int, Field(ge=1, le=12)]
    machines: Annotated[int, Field(ge=1, le=1000)]
    rule: Literal["contrastive_divergence", "persistent_contrastive_divergence"]
    updates: Repeats
    learning_rate: LearningRate
    learning_rate_decay: Share
    sweeps: Repeats
    initial_spread: Annotated[float, Field(gt=0, le=100)]
    copies: Count  #: of each pattern per update; also of persistent chains


@analyses.register("encoder_problem")
class EncoderProblem(Analysis):
    """A restricted Boltzmann machine with visible groups of N units each and H hidden units, H < N, learns N patterns: unit i of
    both groups is on. It must find a code of H bits for each. Shown the first group, it has solved a pattern if the
    correct second group is more probable than all others together; chances are exact, by enumeration of the codes."""

    about = "How many machines solve an encoder problem, trained from different initial weights"
    sources = ("ackley1985", "hinton2002")
    Settings = EncoderProblemCard
    example = {  # noqa: RUF012
        "units": 4, "hidden": 2, "machines": 2, "rule": "contrastive_divergence", "updates": 200, "learning_rate": 0.1,
        "learning_rate_decay": 1.0, "sweeps": 1, "initial_spread": 0.1, "copies": 5,
    }  # fmt: skip
    gives = {  # noqa: RUF012
        "machines that solve it": Value("all patterns", higher_is_better=True),
        "share of machines": Value("that solve all patterns", higher_is_better=True),
        "correct completions": Value("mean chance of the correct second group, given the first", higher_is_better=True),
    }  # fmt: skip

    def run(self, settings: EncoderProblemCard, seed: int) -> Found:
        curves, codes, last = [], torch.zeros(0), torch.zeros(settings.machines, settings.units)
        for number in range(settings.machines):
            generator = torch_generator(seed, f"encoder_problem {settings.units} {settings.hidden} {number}")
            model, curve = _trained(settings, generator)
            last[number] = completion(model)
            curves.append(curve)
            codes = _codes(model) if number == 0 else codes
        solved = (last > 0.5).all(1)
        steps = [at for at, _ in curves[0]]
        name = f"{settings.units}-{settings.hidden}-{settings.units}"
        each = torch.tensor([[value for _, value in curve] for curve in curves])
        lines = {"mean": series(steps, each.mean(0)), "worst machine": series(steps, each.min(0).values)}
        curve = Curves(
            f"Encoder {name}: correct completions", "Chance of the correct second group, given the first; mean over patterns.",
            "updates", "chance", lines, share=True,
        )  # fmt: skip
        picture = Picture(
            f"Encoder {name}: codes of the first machine", "Chances of the hidden units, given each whole pattern.",
            "hidden unit", "pattern", codes.tolist(), "chance to be on",
        )  # fmt: skip
        values = {
            "machines that solve it": float(solved.sum()),
            "share of machines": float(solved.double().mean()),
            "correct completions": float(last.double().mean()),
        }
        guess = ("a guess among the patterns", 1 / settings.units)
        return Found(values, (curve, picture), {"correct completions": guess})


def _trained(settings: EncoderProblemCard, generator: torch.Generator) -> tuple[RestrictedBoltzmann, list]:
    card = RestrictedBoltzmannCard(
        name="restricted_boltzmann", max_sweeps=1, temperature=1.0, initial_spread=settings.initial_spread,
        hidden=settings.hidden,
    )  # fmt: skip
    model = RestrictedBoltzmann(card, 2 * settings.units)
    model.reset_parameters(generator)
    patterns = torch.eye(settings.units).repeat(settings.copies, 2)
    keys = settings.model_dump(include={"learning_rate", "learning_rate_decay", "sweeps"})
    common = {"rule": settings.rule, "task": "", "epochs": 1, "batch_size": len(patterns), **keys}
    method: ContrastiveDivergence = (
        ContrastiveDivergence(ContrastiveDivergence.Card(**common))
        if settings.rule == "contrastive_divergence"
        else PersistentContrastiveDivergence(PersistentContrastiveDivergence.Card(**common, chains=len(patterns)))
    )
    state = method.init(model, None, LogLikelihood(), generator)
    batch, curve = Batch(patterns[None], None, torch.ones(1, dtype=torch.bool)), []
    every = max(1, settings.updates // POINTS)
    for update in range(settings.updates):
        state, _ = method.step(model, state, batch)
        if update % every == every - 1:
            curve.append((update + 1, float(completion(model).mean())))
    return model, curve or [(settings.updates, float(completion(model).mean()))]


def completion(model: RestrictedBoltzmann) -> Tensor:
    """Exact chance [N] that the second group is correct, given the first, for each pattern."""
    N, given = model.visible // 2, torch.eye(model.visible // 2, dtype=torch.float64)
    weight, b, c = (part.double() for part in (model.weight, model.visible_bias, model.hidden_bias))
    T, of_code, of_correct = model.temperature, [], []
    for codes in every_state(model.hidden, model.levels()):
        first = (given @ weight[:N] + c) @ codes.T / T  # [N, S], but for what does not depend on the code
        field = (codes @ weight[N:].T + b[N:]) / T  # [S, N] of the second group
        of_code.append(first + torch.nn.functional.softplus(field).sum(1))
        of_correct.append(first + field.T)
    total, correct = (torch.cat(parts, 1).logsumexp(1) for parts in (of_code, of_correct))
    return (correct - total).exp()


def _codes(model: RestrictedBoltzmann) -> Tensor:
    patterns = torch.eye(model.visible // 2).repeat(1, 2)
    return torch.sigmoid(model.hidden_field(patterns) / model.temperature)
