"""Generated functions of a projection: arriving spikes, the target's own spikes, rewards."""

from neurorec.engines.plastic.language import Assignment
from neurorec.engines.plastic.network_plan import ProjectionPlan
from neurorec.engines.plastic.population_source import load, place, store
from neurorec.engines.plastic.writing import Function, Place, used


def arrive(plan: ProjectionPlan, constants: tuple[str, ...]) -> Function | None:
    """`on_pre` of the synapses with the delay number `delay` of the sources in fired[:count]."""
    if not plan.on_pre:
        return None
    f = Function(f"{plan.key}_arrive", ("t", "fired", "count", "delay"), constants)
    f.add(1, "for k in range(count):")
    f.add(2, "i = fired[k]")
    pre, own, post = _places(f, plan, plan.on_pre)
    load(f, 2, pre.values())
    if plan.full:
        f.add(2, f"for j in range({f.array(f'{plan.key}_w')}.shape[1]):")
    else:
        start, delays = f.array(f"{plan.key}_out_start"), f.hoist("delays", f"{f.array(f'{plan.key}_delays')}.shape[0]")
        f.add(2, f"row = i * {delays} + delay", f"for e in range({start}[row], {start}[row + 1]):")
        f.add(3, f"j = {f.array(f'{plan.key}_post')}[e]")
    load(f, 3, [*own.values(), *post.values()])
    held = _held(f, plan)
    f.statements(3, plan.on_pre, {name: p.local for name, p in (pre | own | post).items()}, held)
    _store(f, 3, plan.on_pre, own | post)
    return f


def _held(f: Function, plan: ProjectionPlan) -> dict[str, str]:
    """Conditions under which arriving spikes may change target variables that are frozen while refractory."""
    target = plan.target
    changed = {f"{name}_post" for name in target.equations.held} & {a.name for a in plan.on_pre}
    if not changed or not target.population.refractory_ms:
        return {}
    latest = f.hoist("latest", f"np.int32(t - {f.array(f'{target.key}_sizes')}[1])")
    return dict.fromkeys(changed, f"{f.array(f'{target.key}_fired_at')}[j] <= {latest}")


def learn(plan: ProjectionPlan, constants: tuple[str, ...]) -> Function | None:
    """`on_post` of the incoming synapses of the targets in fired[:count]."""
    if not plan.on_post:
        return None
    f = Function(f"{plan.key}_learn", ("t", "fired", "count"), constants)
    f.add(1, "for k in range(count):")
    f.add(2, "j = fired[k]")
    pre, own, post = _places(f, plan, plan.on_post)
    load(f, 2, post.values())
    if plan.full:
        f.add(2, f"for i in range({f.array(f'{plan.key}_w')}.shape[0]):")
    else:
        start = f.array(f"{plan.key}_in_start")
        f.add(2, f"for q in range({start}[j], {start}[j + 1]):")
        f.add(3, f"e = {f.array(f'{plan.key}_in_edge')}[q]")
        if pre:
            f.add(3, f"i = {f.array(f'{plan.key}_in_pre')}[q]")
    load(f, 3, [*own.values(), *pre.values()])
    f.statements(3, plan.on_post, {name: p.local for name, p in (pre | own | post).items()})
    _store(f, 3, plan.on_post, own)
    return f


def rewarded(plan: ProjectionPlan, constants: tuple[str, ...]) -> Function | None:
    """`on_reward` of every synapse."""
    if not plan.on_reward:
        return None
    f = Function(f"{plan.key}_rewarded", ("t", "reward"), constants)
    weights = f.array(f"{plan.key}_w")
    if plan.full:
        f.add(1, f"for i in range({weights}.shape[0]):", f"    for j in range({weights}.shape[1]):")
    else:
        f.add(1, f"for e in range({weights}.shape[0]):")
    depth = 3 if plan.full else 2
    _, own, _ = _places(f, plan, plan.on_reward)
    load(f, depth, own.values())
    f.statements(depth, plan.on_reward, {"reward": "reward", **{name: p.local for name, p in own.items()}})
    _store(f, depth, plan.on_reward, own)
    return f


def _places(
    f: Function, plan: ProjectionPlan, assignments: list[Assignment]
) -> tuple[dict[str, Place], dict[str, Place], dict[str, Place]]:
    """Locations of the names used in assignments: the source's, the synapse's own, the target's."""
    names = used(assignments)
    edge = "i, j" if plan.full else "e"
    own = (
        {"w": Place("w", f"{f.array(f'{plan.key}_w')}[{edge}]", (f"{plan.key}_w[{edge}] = w",))} if "w" in names else {}
    )
    if names & set(plan.state):
        last = f.array(f"{plan.key}_last")
        for name in plan.state:  # all variables of a synapse share the time of the last decay
            array, fine, coarse = (f.array(f"{plan.key}_{part}_{name}") for part in ("v", "fine", "coarse"))
            decayed = f"{array}[{edge}] * power({fine}, {coarse}, t - {last}[{edge}])"
            own[name] = Place(f"s_{name}", decayed, (f"{array}[{edge}] = s_{name}", f"{last}[{edge}] = t"))
    ends = []
    for end, suffix, index in ((plan.source, "_pre", "i"), (plan.target, "_post", "j")):
        known = sorted(name for name in names if name.endswith(suffix) and name not in own)
        ends.append({name: place(f, end, name.removesuffix(suffix), index, f"v_{name}") for name in known})
    return ends[0], own, ends[1]


def _store(f: Function, depth: int, assignments: list[Assignment], places: dict[str, Place]) -> None:
    changed = {a.name for a in assignments}
    if any(p.local.startswith("s_") for p in places.values()):
        changed |= {name for name, p in places.items() if p.local.startswith("s_")}
    store(f, depth, (p for name, p in places.items() if name in changed))
