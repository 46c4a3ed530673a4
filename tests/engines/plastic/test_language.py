"""The language that becomes compiled code: what it translates, and what it hands to Brian2 by refusing it."""

import ast
from dataclasses import replace

import numpy as np
import pytest

from neurorec.basics.errors import CannotRun, InputError
from neurorec.engines.event_network import EventNetwork, EventPopulation, PoissonTrain, SpikeTrain
from neurorec.engines.on_plastic import run_network
from neurorec.engines.plastic.language import evaluate, linear_in, parse_equations, parse_expression, parse_statements
from neurorec.engines.plastic.network_plan import plan_network
from tests.engines.plastic.event_networks import small_network

TAIL = "; use engine brian2, which runs arbitrary equations"


def test_named_expressions_are_put_where_they_are_used():
    found = parse_equations("g = 2 * a : 1 # gain\ndv/dt = g * v / tau : 1 (unless refractory)\na : 1", "here")
    assert ast.unparse(found.slopes["v"]) == "2 * a * v / tau"
    assert (found.parameters, found.held) == (("a",), {"v"})


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("clip(3 * x, 0, 5)", 5.0),
        ("-x**2 + 1 / 4", -3.75),
        ("exp(0) + abs(-x) + sqrt(4)", 5.0),
        ("x > 1 and not x > 3", 1.0),
    ],
)
def test_expressions_mean_what_they_mean_in_python(text, value):
    assert evaluate(parse_expression(text, "here"), {"x": 2.0}) == value


def test_the_compiled_expression_is_the_python_expression():
    text = "clip(a / tau + b**2, -1, 4) + exp(-a) * (a > 0.5 or b < 0.2) - abs(b - a) / (2 * tau) + log(1 + a)"
    random = np.random.default_rng(0)
    a, b = random.random(20), random.random(20)
    neurons = EventPopulation(
        20, "b > 2", f"da/dt = 0 * a / tau : 1\ndc/dt = ({text}) / tau : 1\nb : 1", start={"a": a, "b": b}
    )
    network = EventNetwork(0.5, {"neurons": neurons}, {}, times_ms={"tau": 3.0})
    found = run_network(network, 1).state["neurons"]["c"]
    tree = parse_expression(text, "here")
    assert found == pytest.approx(
        [0.5 / 3.0 * evaluate(tree, {"a": x, "b": y, "tau": 3.0}) for x, y in zip(a, b, strict=True)]
    )


@pytest.mark.parametrize(
    ("text", "linear"),
    [("(a - b) / tau + 3", [3, 0.5, -0.5]), ("a * b", None), ("clip(a, -1e9, 1e9)", None), ("1 / a", None),
     ("a * (a > 0)", None), ("exp(tau) * 0 - b", [0, 0, -1])],
)  # fmt: skip
def test_linear_equations_are_told_from_others(text, linear):
    found = linear_in(parse_expression(text, "here"), ["a", "b"], {"tau": 2.0})
    assert found == (pytest.approx(linear) if linear else None)


@pytest.mark.parametrize(
    ("equations", "what"),
    [
        ("dv/dt = -v / tau : volt", '"dv/dt = -v / tau : volt" is not a line such as "dv/dt = -v / tau : 1", "g = a * v : 1" '
                                    'or "theta : 1"'),
        ("dv/dt = -v / tau + xi : 1", '"-v / tau + xi" uses "xi", which is not defined'),
        ("dv/dt = -v / tao : 1", '"-v / tao" uses "tao" (did you mean "tau"?), which is not defined'),
        ("dv/dt = rand() / tau : 1", '"rand() / tau" calls rand; known functions: clip, exp, sqrt, log, abs'),
        ("dv/dt = v % 2 : 1", '"v % 2" contains Mod, which cannot be translated'),
        ("dv/dt = v.real : 1", '"v.real" contains Attribute, which cannot be translated'),
        ("dv/dt = 'a' : 1", "\"'a'\" contains 'a', which is not a number"),
        ("dv/dt = -v / : 1", '"-v /" is not an expression'),
        ("dv/dt = -v / tau : 1\nv : 1", '"v" is defined twice'),
    ],
)  # fmt: skip
def test_equations_outside_the_language_are_refused(equations, what):
    network = EventNetwork(1.0, {"cells": EventPopulation(2, "v > 1", equations)}, {}, times_ms={"tau": 5.0})
    with pytest.raises(CannotRun) as caught:
        plan_network(network)
    assert str(caught.value) == f"engine plastic cannot run cells: {what}{TAIL}"


def test_exact_integration_of_curved_equations_is_refused():
    neurons = EventPopulation(2, "v > 1", "dv/dt = v * v / tau : 1", method="exact")
    with pytest.raises(CannotRun) as caught:
        plan_network(EventNetwork(1.0, {"cells": neurons}, {}, times_ms={"tau": 5.0}))
    assert str(caught.value) == (
        'engine plastic cannot run cells: method "exact" needs equations linear in their variables, with constant '
        f"coefficients{TAIL}"
    )


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"on_pre": "v_pre += w"}, 'it sets "v_pre", but may only set current_post, v_post, w'),
        ({"on_post": "v_post += w"}, 'it sets "v_post", but may only set w'),
        ({"on_post": "w += z_pre"}, '"w + z_pre" uses "z_pre" (did you mean "v_pre"?), which is not defined'),
        ({"on_pre": "if w: 1"}, '"if w: 1" is not an assignment such as "w = clip(w + x_pre, 0, weight_max)"'),
        ({"state": "dc/dt = -c * c / tau_syn : 1"},
         '"c" of its synapses does not simply decay, as in "dc/dt = -c / tau_c : 1"'),
        ({"pre": None, "post": None, "weights": np.ones((12, 12)), "delay_ms": np.zeros((12, 12))},
         "a full matrix takes a single delay; give pre and post if delays differ"),
    ],
)  # fmt: skip
def test_synapses_outside_the_language_are_refused(changes, what):
    network = small_network("cuba")
    projections = {"rec": replace(network.projections["rec"], **changes)}
    with pytest.raises(CannotRun) as caught:
        plan_network(replace(network, projections=projections))
    assert str(caught.value) == f"engine plastic cannot run rec: {what}{TAIL}"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"source": "nobody"}, 'no population "nobody"; known: inputs, neurons'),
        ({"post": None}, "give both pre and post, or neither for a full matrix"),
        ({"pre": None, "post": None}, "weights have shape [57], but [source, target] is [12, 12]"),
        ({"weights": np.ones(3)}, "pre, post and weights must have one entry per synapse"),
        ({"target": "inputs", "source": "inputs", "post": np.full(57, 30)},
         "a synapse refers to a neuron outside [source, target] [30, 30]"),
        ({"delay_ms": np.zeros(5)}, "delay_ms must be one number, or one per synapse [57]"),
        ({"delay_ms": 0.7}, "delay_ms must be a non-negative multiple of dt_ms 0.5"),
    ],
)  # fmt: skip
def test_synapses_that_do_not_fit_are_refused(changes, what):
    network = small_network("cuba")
    assert len(network.projections["rec"].weights) == 57
    with pytest.raises(InputError) as caught:
        plan_network(replace(network, projections={"rec": replace(network.projections["rec"], **changes)}))
    assert str(caught.value) == f"projection rec: {what}"


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        (
            {"fires": SpikeTrain(np.array([3, 1]), np.array([0, 0]))},
            "the steps of its spike train must be in ascending order; sort them",
        ),
        ({"fires": SpikeTrain(np.array([1]), np.array([2]))}, "its spike train contains a neuron outside 0 to 1"),
        ({"fires": PoissonTrain(-1.0)}, "rates_Hz must not be negative or NaN"),
        ({"fires": PoissonTrain(np.ones(3))}, "rates_Hz has shape [3], expected one number, [2] or [samples, 2]"),
        ({"equations": "v : 1\ntau : 1"}, '"tau" is both a variable and one of the network\'s numbers; rename one'),
        ({"method": "rk4"}, 'method "rk4" is neither "euler" nor "exact"'),
        ({"start": {"u": 0.0}}, 'start or at_sample names "u", which is not one of its variables'),
        ({"start": {"v": np.zeros(3)}}, "start of v has shape [3], expected one number or [2]"),
    ],
)
def test_populations_that_do_not_fit_are_refused(changes, what):
    cells = replace(EventPopulation(2, "v > 1", "dv/dt = -v / tau : 1"), **changes)
    with pytest.raises(InputError) as caught:
        run_network(EventNetwork(1.0, {"cells": cells}, {}, times_ms={"tau": 5.0}), 2)
    assert str(caught.value) == f"population cells: {what}"


def test_a_statement_may_add_subtract_multiply_and_divide():
    found = [ast.unparse(a.value) for a in parse_statements("w += a\nw -= b + 1\nw *= 2\nw /= a + b\nw = 0", "here")]
    assert found == ["w + a", "w - (b + 1)", "w * 2", "w / (a + b)", "0"]
