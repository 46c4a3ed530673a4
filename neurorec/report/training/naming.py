"""Names of networks on a page: their titles, with the pair if several with one title learn the same task by the same rule."""

from dataclasses import replace

from neurorec.experiments.results import StudyResults


def told_apart(results: StudyResults) -> StudyResults:
    """The results with the pair added to titles that would stand for several networks of one task and rule."""
    pairs: dict[tuple[str, str, str], set[str]] = {}
    for run in results.runs:
        pairs.setdefault((run.network, run.rule_title, run.task), set()).add(run.pair)
    return replace(results, runs=[
        replace(run, network=f"{run.network} ({run.pair})") if len(pairs[run.network, run.rule_title, run.task]) > 1 else run
        for run in results.runs
    ])  # fmt: skip
