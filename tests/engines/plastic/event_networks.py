"""Small networks of every neuron model and rule, driven by given spikes, that two engines can be compared on."""

import numpy as np

from neurorec.engines.event_network import EventNetwork, Population, Projection, SpikeTrain

MODELS = {
    "lif": {
        "equations": "dv/dt = (v_rest - v) / tau_m : 1\ngain : 1", "fires": "v > 1", "reset": "v = 0",
        "jump": "v_post += gain_post * w",
        "strength": 0.5, "start": {"gain": np.linspace(0.8, 1.2, 12)},
    },
    "cuba": {
        "equations": "dv/dt = (g - v) / tau_m : 1 (unless refractory)\ndg/dt = -g / tau_s : 1", "fires": "v > 1",
        "reset": "v = 0", "jump": "g_post += w", "strength": 2.0, "refractory_ms": 2.0, "method": "exact",
    },
    "coba": {
        "equations": "drive = g * (reversal - v) : 1\ndv/dt = (-v + drive) / tau_m : 1 (unless refractory)\n"
        "dg/dt = -g / tau_s : 1", "fires": "v > 1 and v < 100", "reset": "v = 0", "jump": "g_post += w", "strength": 0.5,
        "refractory_ms": 1.0,
    },
    "adaptive": {
        "equations": "dv/dt = (-v - a) / tau_m : 1\nda/dt = (0.2 * v - a) / tau_w : 1\ndtheta/dt = -theta / tau_w : 1",
        "fires": "v > 1 + theta", "reset": "v = 0\na += 0.1\ntheta += 0.05", "jump": "v_post += w", "strength": 0.6,
    },
    "izhikevich": {
        "equations": "dv/dt = (0.04 * v**2 + 5 * v + 140 - u) / unit : 1\ndu/dt = 0.02 * (0.2 * v - u) / unit : 1",
        "fires": "v >= 30", "reset": "v = -65\nu += 8", "jump": "v_post += w", "strength": 14.0,
        "start": {"v": -65.0, "u": -13.0},
    },
}  # fmt: skip
PAIR = {
    "traces": "\ndx/dt = -x / tau_plus : 1\ndy/dt = -y / tau_minus : 1", "reset": "\ny += 1", "after": "x += 1",
    "on_pre": "\nw = clip(w - 0.05 * scale * y_post, 0, 3 * scale)",
    "on_post": "w = clip(w + 0.04 * scale * x_pre, 0, 3 * scale)",
}  # fmt: skip
TRIPLET = {
    "traces": "\ndx/dt = -x / tau_plus : 1\ndy/dt = -y / tau_minus : 1\ndx2/dt = -x2 / tau_w : 1\ndy2/dt = -y2 / tau_w : 1",
    "reset": "\ny += 1", "after": "x += 1\nx2 += 1\ny2 += 1",
    "on_pre": "\nw = clip(w - scale * y_post * (0.02 + 0.03 * x2_pre), 0, 3 * scale)",
    "on_post": "w = clip(w + scale * x_pre * (0.01 + 0.02 * y2_post), 0, 3 * scale)",
}  # fmt: skip
REWARD = PAIR | {
    "on_pre": "\nc -= 0.05 * scale * y_post", "on_post": "c += 0.04 * scale * x_pre",
    "state": "dc/dt = -c / tau_w : 1", "on_reward": "w = clip(w + c * reward, 0, 3 * scale)\nc *= 0.5",
}  # fmt: skip
NEAREST = PAIR | {"reset": "\ny = 1", "after": "x = 1"}
RULES = {"static": None, "pair": PAIR, "triplet": TRIPLET, "reward": REWARD, "nearest": NEAREST}


def small_network(model, rule="static", full=False, delays_ms=(0.5,), seed=1, lines=30, size=12):
    """Input lines onto neurons, which are connected among each other; both projections plastic under a rule."""
    random, how, learn = np.random.default_rng(seed), dict(MODELS[model]), RULES[rule] or {}
    strength, jump = how.pop("strength"), how.pop("jump")
    how["equations"] += learn.get("traces", "")
    how["reset"] += learn.get("reset", "")
    if learn:
        how["start"] = how.get("start", {}) | {"y": 0.4}
    neurons = Population(size, after=learn.get("after", ""), **how)
    inputs = Population(
        lines, spike_train(random, lines, 400, 0.02), learn.get("traces", "").strip(), after=learn.get("after", "")
    )
    kind = {
        "on_pre": jump + learn.get("on_pre", ""), "on_post": learn.get("on_post", ""), "state": learn.get("state", ""),
        "on_reward": learn.get("on_reward", ""),
    }  # fmt: skip
    return EventNetwork(
        0.5, {"inputs": inputs, "neurons": neurons},
        {"in": projection(random, "inputs", lines, size, strength, full, delays_ms, kind),
         "rec": projection(random, "neurons", size, size, 0.3 * strength, full, delays_ms, kind)},
        times_ms={"tau_m": 10.0, "tau_s": 3.0, "tau_w": 50.0, "tau_plus": 8.0, "tau_minus": 12.0, "unit": 1.0},
        numbers={"v_rest": 0.1, "reversal": 4.0, "scale": strength},
        reward=SpikeTrain(np.array([100, 101, 250, 250]), np.array([1.0, -0.5, 2.0, 1.0])) if rule == "reward" else None,
    )  # fmt: skip


def spike_train(random, lines, steps, chance):
    return SpikeTrain(*np.nonzero(random.random((steps, lines)) < chance))


def projection(random, source, sources, size, strength, full, delays_ms, kind):
    weights = strength * random.uniform(0.2, 1.0, (sources, size))
    if full:
        return Projection(source, "neurons", weights, delay_ms=delays_ms[0], **kind)
    pre, post = np.nonzero(random.random((sources, size)) < 0.4)
    shuffled = random.permutation(len(pre))
    pre, post = pre[shuffled], post[shuffled]
    delay_ms = random.choice(delays_ms, len(pre)) if len(delays_ms) > 1 else delays_ms[0]
    return Projection(source, "neurons", weights[pre, post], pre, post, delay_ms=delay_ms, **kind)
