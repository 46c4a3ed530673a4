"""The liquid column as a network of populations whose neurons keep the state of their synapses spikes as its `step` does."""

import math

import numpy as np
import torch

from neurorec.engines.event_network import EventNetwork, EventPopulation, EventProjection, SpikeTrain
from neurorec.engines.on_plastic import run_network
from neurorec.models.cell import cells
from tests.nets import cell_card

SENT = "u_{k} = use_{k} + (1 - use_{k}) * f_{k}\nsent_{k} = u_{k} * r_{k}\nf_{k} = u_{k}\nr_{k} = r_{k} - sent_{k}"
SYNAPSE = "df_{k}/dt = -f_{k} / facil_{k} : 1\ndr_{k}/dt = (1 - r_{k}) / rec_{k} : 1\nu_{k} : 1\nsent_{k} : 1"
NEURON = (
    "dv/dt = (background - v + exc + inh) / tau_mem : 1 (unless refractory)\ndexc/dt = -exc / tau_exc : 1\n"
    "dinh/dt = -inh / tau_inh : 1"
)


def as_events(made, x):
    """Input of step t arrives after the membranes of step t - 1. Euler steps with these times decay as the exact solution."""
    card, E, dt = made.card, made.excitatory, made.card.dt_ms
    times, numbers = {"tau_mem": card.tau_mem_ms, "tau_exc": card.tau_exc_ms, "tau_inh": card.tau_inh_ms}, {}
    numbers |= {"background": card.background_nA, "threshold": card.threshold_mV, "v_reset": card.reset_mV}
    for source in "EI":
        for target in "EI":
            path, key = getattr(card, source + target), source + target
            numbers[f"use_{key}"] = path.use
            for name, ms in (("rec", path.depression_ms), ("facil", path.facilitation_ms)):
                times[f"{name}_{key}"] = dt / (1 - math.exp(-dt / ms))
    parts = {"E": slice(0, E), "I": slice(E, None)}

    def population(kind, rest_ms):
        keys = [kind + target for target in "EI"]
        return EventPopulation(
            len(range(made.size)[parts[kind]]), "v > threshold",
            "\n".join([NEURON, *(SYNAPSE.format(k=key) for key in keys)]),
            "\n".join(["v = v_reset", *(SENT.format(k=key) for key in keys)]), refractory_ms=rest_ms + dt,
            start={"v": card.reset_mV, **{f"r_{key}": 1.0 for key in keys}},
        )  # fmt: skip

    w, w_in = made.w_rec.numpy(), made.w_in.numpy()
    projections = {
        f"in {kind}": EventProjection("lines", kind, w_in[part].T.copy(), on_pre="exc_post += w")
        for kind, part in parts.items()
    }
    for source, columns in parts.items():
        for target, rows in parts.items():
            onto = "exc" if source == "E" else "inh"
            projections[source + target] = EventProjection(
                source, target, w[rows, columns].T.copy(), on_pre=f"{onto}_post += w * sent_{source}{target}_pre"
            )
    steps, lines = np.nonzero(x.numpy())
    populations = {
        "lines": EventPopulation(x.shape[1], SpikeTrain(steps - 1, lines)),
        "E": population("E", card.rest_exc_ms), "I": population("I", card.rest_inh_ms),
    }  # fmt: skip
    return EventNetwork(dt, populations, projections, times, numbers)


def test_spikes_are_those_of_the_step():
    """Brian2, which takes minutes to compile this, gives the same spikes."""
    H, T = 24, 300
    made = cells["liquid_column"](cell_card("liquid_column", H, spread=0.0), 4)
    made.reset_parameters(torch.Generator().manual_seed(2))
    made.double()
    for kind, synapse in (
        ("E", made.onto_exc),
        ("I", made.onto_inh),
    ):  # exactly the numbers of the card, in double precision
        for source, part in (("E", slice(0, made.excitatory)), ("I", slice(made.excitatory, H))):
            path = getattr(made.card, source + kind)
            for name in ("use", "depression_ms", "facilitation_ms"):
                getattr(synapse, name)[part] = getattr(path, name)
    x = (torch.rand(T, 4, generator=torch.Generator().manual_seed(1)) < 0.05).double()
    x[0] = 0
    z = made(x[:, None])[0][:, 0]
    seen = run_network(as_events(made, x), steps=T, seed=0)
    found = torch.zeros(T, H).double()
    for kind, offset in (("E", 0), ("I", made.excitatory)):
        steps, neurons = seen.spikes[kind]
        found[steps.astype(int), offset + neurons.astype(int)] = 1
    assert 100 < int(z.sum()) < 0.2 * T * H
    assert z[:, made.excitatory :].any()
    assert torch.equal(found, z)
