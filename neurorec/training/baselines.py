"""The trivial baselines of a task's objective, which need no network."""

from neurorec.tasks.objective import Split
from neurorec.tasks.task import Task


def best_baseline(task: Task) -> tuple[str, dict[Split, float]]:
    """The best baseline other than a constant answer, by validation score: its name and its scores per split."""
    found = task.baselines()
    others = {name: scores for name, scores in found.items() if name != task.objective.chance} or found
    sign = 1 if task.objective.higher_is_better else -1
    name = max(others, key=lambda each: sign * others[each]["validation"])
    return name, others[name]
