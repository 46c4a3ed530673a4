"""The answer to the study's question, generated from the numbers: what the same network loses with a rule that keeps fewer of
the six objections, and how spiking networks compare with their rate-based partners.

A difference is taken seed by seed (both runs of a seed see the same data) and counts only where it exceeds twice its
own standard deviation; one seed shows no spread, so it settles nothing.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from neurorec.experiments.results import StudyResults, scores_of
from neurorec.report.spread import Spread, spread
from neurorec.report.training.summary import Group, better, groups_of
from neurorec.report.wording import listed

Verdict = Literal["ahead", "behind", "within the spread", "one seed only"]
ROUNDING = 1e-9  # equal scores may differ by this much after subtraction


@dataclass(frozen=True)
class Comparison:
    """Two groups compared on the same task and metric; `difference` is one minus other, seed by seed."""

    task: str
    metric: str
    one: Group
    other: Group
    difference: Spread

    @property
    def verdict(self) -> Verdict:
        if self.difference.sd is None:
            return "one seed only"
        if abs(self.difference.mean) <= max(2 * self.difference.sd, ROUNDING):
            return "within the spread"
        return "ahead" if (self.difference.mean > 0) == self.one.higher_is_better else "behind"

    @property
    def difference_text(self) -> str:
        text = f"{self.difference.mean:+.3f}".replace("-", "−")
        return text if self.difference.sd is None else f"{text} ± {self.difference.sd:.3f}"


def between_rules(results: StudyResults) -> list[Comparison]:
    """Each rule on each network and task compared with the one that keeps most of the six objections to backpropagation."""
    together: dict[tuple[str, str, str], list[Group]] = {}
    for group in groups_of(results):
        if group.proper:
            together.setdefault((group.task, group.pair, group.half), []).append(group)
    most = {key: max(groups, key=_kept) for key, groups in together.items()}
    return [
        comparison
        for key, groups in together.items()
        for one in groups
        if _kept(one) < _kept(most[key])
        for comparison in compare(one, most[key])
    ]


def _kept(group: Group) -> int:
    return int(group.stances["kept"] or 0)


def spiking_against_rate(results: StudyResults) -> list[Comparison]:
    """The spiking half of each pair compared with its rate half: on the same task, and trained by the same rule, or each by its
    only rule."""
    halves: dict[tuple[str, str], dict[str, list[Group]]] = {}
    for group in groups_of(results):
        if group.proper:
            halves.setdefault((group.task, group.pair), {}).setdefault(group.half, []).append(group)
    return [
        comparison
        for found in halves.values()
        for one in found.get("spiking", [])
        for other in found.get("rate", [])
        if one.rule == other.rule or all(len(groups) == 1 for groups in found.values())
        for comparison in compare(one, other)
    ]


def compare(one: Group, other: Group) -> Iterator[Comparison]:
    """The comparison by the first metric that both sides have, where at least one seed finished on both sides."""
    metric = next((name for name in one.scores if name in other.scores), None)
    if metric is None:
        return
    found = {run.seed: scores_of(run)[metric]["test"] for run in one.runs if metric in scores_of(run)}
    against = {run.seed: scores_of(run)[metric]["test"] for run in other.runs if metric in scores_of(run)}
    difference = spread(found[seed] - against[seed] for seed in sorted(found) if seed in against)
    if difference.n:
        yield Comparison(one.task, metric, one, other, difference)


def answer(results: StudyResults) -> tuple[str, ...]:
    """The sentences under the question."""
    rules, halves = between_rules(results), spiking_against_rate(results)
    groups = groups_of(results)
    if not rules and not halves and any(group.proper and group.test.n for group in groups):
        return (_scores(groups),)
    planned: dict[tuple[str, str, str], set[str]] = {}
    for group in groups:
        if group.proper:
            planned.setdefault((group.pair, group.half, group.task), set()).add(group.rule)
    several_rules = any(len(each) > 1 for each in planned.values())
    first = (_first(rules, _baselines(groups)),) if several_rules or not halves else ()
    return *first, halves_answer(results)


def halves_answer(results: StudyResults) -> str:
    """The sentence on spiking networks and their rate-based partners."""
    trained = {(group.pair, group.half) for group in groups_of(results) if group.proper}
    two_halves = any((pair, "rate") in trained and (pair, "spiking") in trained for pair, _ in trained)
    return _second(spiking_against_rate(results), two_halves)


def _scores(groups: list[Group]) -> str:
    """If nothing is compared: the score of each network with the best trivial baseline."""
    proper = [group for group in groups if group.proper and group.test.n]
    if not proper:
        return "No network finished, so there is no answer."
    baselines, said = _baselines(groups), []
    for group in proper:
        beside = baselines.get(group.task)
        against = f", compared with {beside.test} for {beside.network}" if beside is not None else ""
        said.append(f"{group.label} on {group.task}: {group.metric_text} {group.test}{against}")
    return "; ".join(said) + "."


def _baselines(groups: list[Group]) -> dict[str, Group]:
    """Task -> the best trivial baseline."""
    best: dict[str, Group] = {}
    for group in groups:
        if group.half == "baseline" and group.test.n and (group.task not in best or better(group, best[group.task])):
            best[group.task] = group
    return best


def _first(comparisons: list[Comparison], baselines: dict[str, Group]) -> str:
    if not comparisons:
        return "No network finished with two rules, so rules cannot be compared."
    together: dict[tuple[int, str], list[Comparison]] = {}
    for at in comparisons:
        together.setdefault((id(at.other), at.metric), []).append(at)
    said = ". ".join(_loss(found[0]) if len(found) == 1 else _losses(found) for found in together.values()) + "."
    for task in dict.fromkeys(at.task for at in comparisons if at.task in baselines):
        said += f" Without any network, {baselines[task].label} scores {baselines[task].test} on {task}."
    return said


def _loss(at: Comparison) -> str:
    one, other = (f"{g.scores[at.metric]['test']}" for g in (at.one, at.other))
    found = (
        f"on {at.task}, by {at.metric}, {at.one.network} scores {one} trained by {at.one.rule_title} and {other} "
        f"trained by {at.other.rule_title} (mean{'' if at.difference.sd is None else ' ± sd'}, n = {at.difference.n})"
    )
    size = at.difference_text.lstrip("+−")
    ending = {
        "behind": f"without {at.other.rule_title} it loses {size}",
        "ahead": f"without {at.other.rule_title} it gains {size}",
        "within the spread": f"the difference of {at.difference_text} is within the spread",
        "one seed only": f"the difference of {at.difference_text} is from one seed, so its spread is unknown",
    }[at.verdict]
    return f"{found[0].upper()}{found[1:]}: {ending}"


def _losses(found: list[Comparison]) -> str:
    """Several rules beside the same one."""
    at, endings = found[0], {"behind": "loses ", "ahead": "gains "}
    said = []
    for one in found:
        score, size = one.one.scores[one.metric]["test"].mean, one.difference_text.lstrip("+−")
        ending = f" ({endings[one.verdict]}{size})" if one.verdict in endings else ""
        ending = " (within the spread)" if one.verdict == "within the spread" else ending
        said.append(f"{one.one.rule_title} {score:.3f}{ending}")
    start = f"On {at.task}, by {at.metric}, {at.other.network} scores {at.other.scores[at.metric]['test']} trained by "
    spread_known = "" if at.difference.sd is not None else "; one seed shows no spread"
    return f"{start}{at.other.rule_title}, and by {listed(said)} (mean, n = {at.difference.n}{spread_known})"


def _second(comparisons: list[Comparison], two_halves: bool) -> str:
    if not comparisons and not two_halves:
        return "No pair here has two halves, so spiking and rate-based networks cannot be compared."
    if not comparisons:
        return "No pair finished on both sides, so spiking and rate-based networks cannot be compared."
    total = len(comparisons)
    widest = max(comparisons, key=lambda at: abs(at.difference.mean))
    where = f"{widest.one.label}, minus {widest.other.label}; {widest.task}"
    largest = f"the largest difference is {widest.difference_text} ({where})"
    by_rule = ", trained by the same rule" if all(at.one.rule == at.other.rule for at in comparisons) else ""
    times = f"In {total} comparison{'s' * (total > 1)}"
    start = f"{times} of a spiking network with its rate-based partner on the same task{by_rule}"
    if all(at.verdict == "one seed only" for at in comparisons):
        return f"{start}, with one seed each and therefore without a known spread, {largest}."
    counted: dict[str, list[str]] = {}
    for at in comparisons:
        counted.setdefault(at.verdict, []).append(at.difference_text)
    phrases = {
        "behind": "behind its rate-based partner in {n}",
        "ahead": "ahead in {n}",
        "within the spread": "within the spread in {n}",
        "one seed only": "compared on only one seed in {n}",
    }
    said = listed([phrase.format(n=len(counted[name])) for name, phrase in phrases.items() if name in counted])
    said = said.replace("ahead in", "ahead of its rate-based partner in") if "behind" not in counted else said
    return f"{start}, the spiking network is {said}; {largest}."
