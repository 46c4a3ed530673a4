"""Poisson drives: numbers are Poisson and independent, refractory neurons miss them, and Brian2 gives the same on average."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.stats import chisquare, poisson

from neurorec.basics.errors import InputError
from neurorec.engines.event_network import EventNetwork, EventPopulation, PoissonDrive
from neurorec.engines.on_brian2 import run_network as in_brian2
from neurorec.engines.on_plastic import run_network
from tests.engines.plastic.event_networks import small_network

COUNTER = "dn/dt = 0 * n / tau : 1"


def engine_a(network, steps, seed=0):
    return run_network(network, steps, seed)


def engine_b(network, steps, seed=0):
    return in_brian2(network, steps, seed, target="numpy")


def alone(population, dt_ms=0.5):
    return EventNetwork(dt_ms, {"neurons": population}, {}, times_ms={"tau": 10.0})


def received(run, rate_Hz, steps, size=5000):
    counter = EventPopulation(size, "n > 1e9", COUNTER, drives=(PoissonDrive("n", 0.25, rate_Hz),))
    return np.rint(run(alone(counter), steps).state["neurons"]["n"] / 0.25).astype(int)


@pytest.mark.parametrize("run", [engine_a, engine_b])
@pytest.mark.parametrize(("rate_Hz", "steps"), [(300.0, 1), (9000.0, 1), (900.0, 40), (0.0, 3)])
def test_each_neuron_receives_a_poisson_number(run, rate_Hz, steps):
    mean, counts = rate_Hz * 0.5e-3 * steps, received(run, rate_Hz, steps)
    if not rate_Hz:
        assert counts.max() == 0
        return
    values = np.arange(counts.max() + 40)
    expected = poisson.pmf(values, mean) * len(counts)
    groups = np.minimum(np.cumsum(expected) // 40, len(counts) // 40 - 1).astype(int)  # at least about 40 in each
    seen, wanted = (
        np.bincount(groups, part) for part in (np.bincount(counts, minlength=len(values)).astype(float), expected)
    )
    keep = wanted > 5
    assert chisquare(seen[keep], wanted[keep] * seen[keep].sum() / wanted[keep].sum()).pvalue > 0.001


def test_neurons_are_reached_alike_and_independently():
    counts = received(engine_a, 2000.0, 100, size=1000)
    assert chisquare(counts).pvalue > 0.001
    assert abs(np.corrcoef(counts[:-1], counts[1:])[0, 1]) < 5 / 1000**0.5
    assert not np.array_equal(
        counts, received(lambda network, steps: run_network(network, steps, 1), 2000.0, 100, 1000)
    )


@pytest.mark.parametrize("run", [engine_a, engine_b])
@pytest.mark.parametrize("held", [True, False])
def test_a_refractory_neuron_misses_the_drive_of_a_frozen_variable(run, held):
    """It fires in the step after the first spike arrives, and then rests for 5 steps, in which spikes are lost, or are not."""
    chance, rest, steps = 0.2, 5, 2000
    population = EventPopulation(
        200, "v > 0.5", "dv/dt = 0 * v / tau : 1" + " (unless refractory)" * held, reset="v = 0",
        refractory_ms=rest * 0.5, drives=(PoissonDrive("v", 1.0, -np.log(1 - chance) / 0.5e-3),),
    )  # fmt: skip
    count = run(alone(population), steps).counts["neurons"]
    waiting = 1 / chance if held else (1 - chance) ** rest / chance
    interval = rest + waiting
    deviation = (200 * steps / interval**3 / chance**2) ** 0.5
    assert abs(count - 200 * steps / interval) < 5 * deviation + 200


def driven_network():
    """Refractory neurons with a drive of potential and of current, and synapses."""
    network = small_network("cuba")
    drives = (PoissonDrive("current", 0.5, 800.0), PoissonDrive("v", 0.05, 400.0))
    return replace(
        network, populations={**network.populations, "neurons": replace(network.populations["neurons"], drives=drives)}
    )


def test_a_driven_network_has_brian2s_rates():
    ours, theirs = (
        [engine_a(driven_network(), 500, k) for k in range(40)],
        [engine_b(driven_network(), 500, k) for k in range(4)],
    )
    undriven = engine_a(small_network("cuba"), 500).counts["neurons"]
    counts, expected = ([each.counts["neurons"] for each in runs] for runs in (ours, theirs))
    assert np.mean(counts) > 2 * undriven
    assert abs(np.mean(counts) - np.mean(expected)) < 4 * np.std(counts, ddof=1) * (1 / 40 + 1 / 4) ** 0.5


def test_a_driven_variable_may_only_decay():
    """It is then updated in every step, and not, as other decaying variables are, when it is read."""
    population = EventPopulation(
        2000, "v > 1e9", "dv/dt = 0 * v / tau : 1\nda/dt = -a / tau : 1", drives=(PoissonDrive("a", 2.0, 600.0),)
    )
    a = run_network(alone(population), 400).state["neurons"]["a"]
    mean, variance = 2.0 * 0.3 / 0.05, 4.0 * 0.3 / (1 - 0.95**2)  # of an Euler step with dt/tau = 0.05
    assert abs(a.mean() - mean) < 5 * (variance / 2000) ** 0.5
    assert abs(a.var() / variance - 1) < 5 * (2 / 2000) ** 0.5


def test_what_is_refused():
    for drive, said in [
        (PoissonDrive("m", 1.0, 10.0), 'population neurons: a drive raises "m", which is not one of its variables (n)'),
        (PoissonDrive("n", 1.0, -3.0), "population neurons: the rate of a drive must be 0 Hz or more (got -3)"),
        (PoissonDrive("n", 1.0, np.nan), "population neurons: the rate of a drive must be 0 Hz or more (got nan)"),
    ]:
        with pytest.raises(InputError) as refused:
            alone(EventPopulation(3, "n > 1", COUNTER, drives=(drive,)))
        assert str(refused.value) == said
