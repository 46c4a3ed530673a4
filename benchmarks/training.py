"""Whole trainings of the default study's LIF half, by the engine `fused` and by Norse in turn."""

import statistics
import time
from typing import Any

from neurorec.tasks.task import load_task
from neurorec.training.fit import train
from neurorec.training.pairs import load_pair

TASKS = ("row_digits", "store_recall")
BAR = 5.0  #: times as fast as on Norse


def end_to_end(seeds: tuple[int, ...] = (0, 1, 2)) -> dict[str, Any]:
    """A seed is a round. Processor time of `train` from data to scores, on one thread as in every study; the ratio is the
    median over seeds of Norse's time / ours."""
    half, found = load_pair("lif_vs_elman").spiking, {}
    for name in TASKS:
        seconds: dict[str, list[float]] = {"fused": [], "norse": []}
        scores: dict[str, list[float]] = {"fused": [], "norse": []}
        for engine in seconds:  # compiles and imports
            train(half, load_task(name, 0), "bptt", 0, engine=engine, device="cpu", max_epochs=1)
        for seed in seeds:
            for engine in seconds:
                start = time.thread_time()
                run = train(half, load_task(name, seed), "bptt", seed, engine=engine, device="cpu")
                seconds[engine].append(time.thread_time() - start)
                scores[engine].append(run.test_accuracy)
        found[name] = {
            "seconds": seconds, "test_accuracy": scores, "bar": BAR,
            "ratio": statistics.median(n / f for n, f in zip(seconds["norse"], seconds["fused"], strict=True)),
        }  # fmt: skip
        print(name, found[name], flush=True)
    return found
