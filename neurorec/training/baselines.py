"""The trivial baselines of a task's objective, which need no network."""

from neurorec.tasks.objective import Objective, Split

Scores = dict[Split, float]


def best_baseline(found: dict[str, Scores], objective: Objective) -> tuple[str, Scores]:
    """The best of a task's baselines other than a constant answer, by validation score: its name and its scores per split."""
    others = {name: scores for name, scores in found.items() if name != objective.chance} or found
    sign = 1 if objective.higher_is_better else -1
    name = max(others, key=lambda each: sign * others[each]["validation"])
    return name, others[name]
