"""Tiny NIR graphs, and runs of them that can be followed in the head."""

from itertools import pairwise

import nir
import numpy as np
import pytest
import torch

from neurorec.engines.on_nir import NirOptions, flat_graph, run_nir

STEPS = NirOptions(dt_s=1e-3, time_unit="steps")  # dt = 1 in the file's unit: numbers that fit in the head


def options(**changes):
    return NirOptions(**{"dt_s": 1e-3, "time_unit": "steps", **changes})


def full(value, n=1):
    return np.full(n, float(value))


def chain(*nodes, name="made up"):
    """Input -> nodes, called a, b, c ... -> Output."""
    size = next(iter(nodes[0].input_type.values()))
    names = ["input", *"abcdefgh"[: len(nodes)], "output"]
    ends = nir.Input({"input": np.array(size)}), nir.Output(dict(nodes[-1].output_type))
    return flat_graph(nir.NIRGraph(dict(zip(names, (ends[0], *nodes, ends[1]), strict=True)), _line(names)), name)


def _line(names):
    return list(pairwise(names))


def integrate_and_fire(threshold=1.0, n=1):
    return nir.IF(r=full(1, n), v_threshold=full(threshold, n))


def run_column(graph, values, opts, **more):
    """Run a graph of one line on a list of numbers."""
    return run_nir(graph, torch.tensor(values)[:, None], opts, **more)


def column(tensor):
    return tensor.flatten().tolist()


def close(tensor, expected):
    assert column(tensor) == pytest.approx(expected, abs=1e-6)  # 16 roundings, in single precision, of numbers up to 1


def recurrent(weight, bias, threshold=0.5):
    nodes = {
        "input": nir.Input({"input": np.array([1])}),
        "lif": integrate_and_fire(threshold),
        "w_rec": nir.Affine(np.array([[float(weight)]]), full(bias)),
        "output": nir.Output({"output": np.array([1])}),
    }
    edges = [("input", "lif"), ("lif", "w_rec"), ("w_rec", "lif"), ("lif", "output")]
    return flat_graph(nir.NIRGraph(nodes, edges), "made up")
