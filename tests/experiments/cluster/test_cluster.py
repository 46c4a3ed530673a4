"""Runs on Dask workers: the same results, and one message where something does not fit."""

import socket

import numpy as np
import pytest

from neurorec.basics.errors import InputError
from neurorec.experiments import demand
from neurorec.experiments.kind import Asked
from neurorec.experiments.kinds.communication_kind import Communication
from neurorec.experiments.kinds.trainings import prepare_study, run_study
from tests.experiments.cluster.machines import Listener, machines, stored
from tests.experiments.tiny import write_study

PLUGIN = """
import os
from pathlib import Path

import numpy as np
import torch

from neurorec.basics.errors import InputError
from neurorec.tasks.task import Task, tasks

@tasks.register("recorded")
def recorded(seed):
    path = Path(os.environ.get("NEUROREC_DATA", ".")) / "recorded.npy"
    if not path.is_file():
        raise InputError(f"{path}: there is no such recording; set NEUROREC_DATA to the folder of data sets")
    x = torch.from_numpy(np.load(path))
    return Task.from_arrays("recorded", x, (x.mean((0, 2)) > 0.5).long(), seed=seed)
"""


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with machines(tmp_path_factory.mktemp("side")) as found:
        found.start_worker("worker")
        yield found


def refused(card, out, place):
    with pytest.raises(InputError) as said:
        run_study(prepare_study(card, out=out, cluster=place.address))
    assert said.value.exit_code == 2
    return str(said.value)


def test_a_cluster_gives_the_results_of_one_machine(place, tmp_path):
    card, listener = write_study(tmp_path), Listener()
    results = run_study(prepare_study(card, out=tmp_path / "there", cluster=place.address), listener)
    run_study(prepare_study(card, out=tmp_path / "here", jobs=1))
    assert stored(tmp_path / "there") == stored(tmp_path / "here")
    assert [run.status for run in results.runs] == ["done"] * 6
    assert listener.total == len(listener.ended) == 6
    assert any(line.startswith("tiny spiking bptt store_recall seed 0 epoch 1 of 1") for line in listener.told)
