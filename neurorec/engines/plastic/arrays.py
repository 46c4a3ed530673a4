"""The arrays that a generated kernel takes, by name, and the results that they contain afterwards."""

import numpy as np

from neurorec.basics.errors import InputError
from neurorec.engines.event_network import EventRun, PoissonTrain, SpikeStream, SpikeTrain
from neurorec.engines.plastic.network_plan import NetworkPlan, PopulationPlan, ProjectionPlan

NEVER = -(2**30)  #: step of the last spike before the first one
NO_SPIKES = SpikeTrain(np.zeros(0, np.int64), np.zeros(0, np.int64))


def network_arrays(plan: NetworkPlan, steps: int) -> dict[str, np.ndarray]:
    network = plan.network
    arrays = {"sample": np.array([network.sample_steps or max(steps, 1)])}
    for name, population in plan.populations.items():
        longest = max((_delay_steps(plan, p).max(initial=0) for p in plan.projections.values() if p.source is population),
                      default=0)  # fmt: skip
        found = _population(plan, name, population, steps, int(longest) + 1)
        arrays |= {f"{population.key}_{part}": values for part, values in found.items()}
    for projection in plan.projections.values():
        arrays |= {f"{projection.key}_{part}": values for part, values in _projection(plan, projection, steps).items()}
    if network.reward is not None:
        arrays |= {
            "reward_steps": np.ascontiguousarray(network.reward.steps, np.int64),
            "reward_amounts": np.ascontiguousarray(network.reward.neurons, np.float64),
            "reward_upcoming": np.zeros(1, np.int64),
        }
    return arrays


def power_tables(factor: float, steps: int) -> tuple[np.ndarray, np.ndarray]:
    """factor ** n for n up to `steps` as the product of two table entries; tails that underflow are omitted."""
    with np.errstate(under="ignore"):
        fine = np.float64(factor) ** np.arange(256)
        coarse = np.float64(factor) ** (256.0 * np.arange(steps // 256 + 2))
    nonzero = np.flatnonzero(coarse)
    return fine, coarse[: nonzero[-1] + 1]


def at_most(mean: float) -> np.ndarray:
    """Probabilities that a Poisson number is at most 0, 1, ..., up to where they round to 1."""
    from scipy.stats import poisson

    found = poisson.cdf(np.arange(int(mean + 20 * mean**0.5) + 40), mean)
    return np.append(found[found < 1.0], 1.0)


def _population(plan: NetworkPlan, name: str, p: PopulationPlan, steps: int, slots: int) -> dict[str, np.ndarray]:
    N, dt_ms, fires = p.population.size, plan.network.dt_ms, p.population.fires
    found = {
        "sizes": np.array([N, round(p.population.refractory_ms / dt_ms)]),
        "ring": np.zeros((slots, max(N, 1)), np.uint32),
        "counts": np.zeros(slots, np.int64),
        "fired_at": np.full(N, NEVER, np.int32),
        "total": np.zeros(1, np.int64),
        "when": np.empty(max(1024, 4 * N), np.int32),  # recorded spikes; on_plastic enlarges it when needed
        "who": np.empty(max(1024, 4 * N), np.int32),
        "hits": np.zeros(-(-N // 8) * 8, np.uint8),
        "at_sample": np.array([*p.population.at_sample.values(), 0.0]),
    }
    for variable in p.equations.variables:
        start = np.asarray(p.population.start.get(variable, 0.0), np.float64)
        if start.ndim and start.shape != (N,):
            raise InputError(
                f"population {name}: start of {variable} has shape {list(start.shape)}, expected one number or [{N}]"
            )
        found[f"v_{variable}"] = np.full(N, start) if not start.ndim else start.copy()
    for variable, factor in p.lazy.items():
        found[f"last_{variable}"] = np.full(N, -1, np.int32)  # the initial state has not been updated yet
        found[f"fine_{variable}"], found[f"coarse_{variable}"] = power_tables(factor, steps)
    if p.exact is not None:
        found["exact"] = np.ascontiguousarray(p.exact)
    if p.population.drives:
        found["amounts"] = np.array([drive.amount for drive in p.population.drives])
    for number, drive in enumerate(p.population.drives):
        found[f"total{number}"] = at_most(N * drive.rate_Hz * dt_ms / 1000.0)
    if isinstance(fires, SpikeTrain):
        found |= train_arrays(fires)
    elif isinstance(fires, SpikeStream):
        found |= train_arrays(NO_SPIKES)  # on_plastic puts each part in their place
    elif isinstance(fires, PoissonTrain):
        found |= _chances(name, fires, N, dt_ms)
    return found


def train_arrays(train: SpikeTrain) -> dict[str, np.ndarray]:
    return {
        "steps": np.ascontiguousarray(train.steps, np.int64), "neurons": np.ascontiguousarray(train.neurons, np.int64),
        "upcoming": np.zeros(1, np.int64),
    }  # fmt: skip


def _chances(name: str, poisson: PoissonTrain, N: int, dt_ms: float) -> dict[str, np.ndarray]:
    rates_Hz = np.asarray(poisson.rates_Hz, np.float64)
    if (rates_Hz.ndim and rates_Hz.shape[-1] != N) or rates_Hz.ndim > 2:
        raise InputError(
            f"population {name}: rates_Hz has shape {list(rates_Hz.shape)}, expected one number, [{N}] or [samples, {N}]"
        )
    chances = np.minimum(np.broadcast_to(rates_Hz, (*rates_Hz.shape[:-1], N)).reshape(-1, N) * dt_ms / 1000.0, 1.0)
    top = chances.max(initial=0.0)
    scale = 1.0 / np.log1p(-top) if 0.0 < top < 1.0 else -0.0
    return {
        "chances": np.ascontiguousarray(chances), "top": np.array([top, scale]), "upcoming": np.full(1, -1, np.int64),
    }  # fmt: skip


def _delay_steps(plan: NetworkPlan, p: ProjectionPlan) -> np.ndarray:
    return np.rint(np.atleast_1d(np.asarray(p.projection.delay_ms)) / plan.network.dt_ms).astype(np.int64)


def _projection(plan: NetworkPlan, p: ProjectionPlan, steps: int) -> dict[str, np.ndarray]:
    projection, (S, N) = p.projection, (p.source.population.size, p.target.population.size)
    single = np.asarray(projection.weights).dtype == np.float32
    weights = np.array(projection.weights, np.float32 if single else np.float64, order="C")
    delay_steps = _delay_steps(plan, p)
    delays = np.flatnonzero(np.bincount(delay_steps))
    found = {"delays": delays, "goals": np.array([projection.weight_sum or 0.0, projection.weight_max])}
    if projection.pre is None or projection.post is None:
        found |= {"w": weights, "factors": np.zeros(N)}
    else:
        pre, post = (np.asarray(ends, np.int32) for ends in (projection.pre, projection.post))
        row = pre if len(delays) == 1 else pre * np.int64(len(delays)) + np.searchsorted(delays, delay_steps)
        if not _in_order(row, post):
            by_post = _stable_order(post, N)[0]
            found["order"] = order = by_post[_stable_order(row[by_post], S * len(delays))[0]]
            weights, pre, post, row = weights[order], pre[order], post[order], row[order]
        found |= {"w": weights, "post": post.view(np.uint32)}
        found["out_start"] = np.concatenate([[0], np.cumsum(np.bincount(row, minlength=S * len(delays)))])
        if p.on_post or projection.weight_sum is not None:
            incoming, found["in_start"] = _stable_order(post, N)
            found |= {"in_edge": incoming, "in_pre": pre[incoming].view(np.uint32)}
    for variable, factor in p.state.items():
        found[f"v_{variable}"] = np.zeros_like(found["w"])
        found[f"fine_{variable}"], found[f"coarse_{variable}"] = power_tables(factor, steps)
    if p.state:
        found["last"] = np.full(found["w"].shape, -1, np.int32)
    return found


def _in_order(row: np.ndarray, post: np.ndarray) -> bool:
    """Whether synapses are sorted by row, and within a row by target."""
    return bool(((row[1:] > row[:-1]) | ((row[1:] == row[:-1]) & (post[1:] >= post[:-1]))).all())


def _stable_order(keys: np.ndarray, bound: int) -> tuple[np.ndarray, np.ndarray]:
    """A stable argsort of keys below `bound`, and the start of each key: a counting sort, as done by scipy when it converts
    sparse rows to columns."""
    from scipy.sparse import csr_array

    edges = np.arange(len(keys), dtype=np.uint32)
    columns = csr_array((edges, keys, [0, len(keys)]), shape=(1, bound)).tocsc()
    return columns.data, columns.indptr.astype(np.int64)


def results(
    plan: NetworkPlan, steps: int, arrays: dict[str, np.ndarray], recorded: tuple[str, ...], engine: str, wall_s: float,
    prepare_s: float,
) -> EventRun:  # fmt: skip
    """Results from the kernel's arrays, by the names of the network."""
    totals = {name: int(arrays[f"{p.key}_total"][0]) for name, p in plan.populations.items()}
    state: dict[str, dict[str, np.ndarray]] = {}
    for name, p in plan.populations.items():
        state[name] = {v: arrays[f"{p.key}_v_{v}"] for v in p.equations.variables}
        for v, factor in p.lazy.items():
            state[name][v] = state[name][v] * factor ** (steps - 1.0 - arrays[f"{p.key}_last_{v}"])
    for name, q in plan.projections.items():
        state[name] = {v: _in_given_order(arrays, q.key, f"v_{v}") for v in q.state}
        for v, factor in q.state.items():
            state[name][v] = state[name][v] * factor ** (steps - 1.0 - _in_given_order(arrays, q.key, "last"))
    return EventRun(
        spikes={name: _recorded(arrays, plan.populations[name].key, totals[name]) for name in recorded},
        counts=totals, state=state,
        weights={name: _in_given_order(arrays, q.key, "w") for name, q in plan.projections.items()}, engine=engine,
        wall_s=wall_s, prepare_s=prepare_s,
    )  # fmt: skip


def _recorded(arrays: dict[str, np.ndarray], key: str, total: int) -> tuple[np.ndarray, np.ndarray]:
    return arrays[f"{key}_when"][:total].copy(), arrays[f"{key}_who"][:total].copy()


def _in_given_order(arrays: dict[str, np.ndarray], key: str, part: str) -> np.ndarray:
    values = arrays[f"{key}_{part}"]
    if f"{key}_order" not in arrays:
        return values
    back = np.empty_like(values)
    back[arrays[f"{key}_order"]] = values
    return back
