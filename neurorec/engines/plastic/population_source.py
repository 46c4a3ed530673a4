"""Generated functions of a population: state update, and what happens to neurons that fired."""

from collections.abc import Iterable

from neurorec.engines.plastic.language import Assignment
from neurorec.engines.plastic.network_plan import PopulationPlan
from neurorec.engines.plastic.writing import Function, Place, used


def move(plan: PopulationPlan, constants: tuple[str, ...]) -> Function | None:
    """One step of dt for the variables updated in every step, and `hits`: which neurons are above threshold."""
    if not plan.moving and plan.condition is None:
        return None
    f = Function(f"{plan.key}_move", ("t", "dt"), constants)
    locals_ = {name: f"v_{name}" for name in plan.equations.variables if name not in plan.lazy}
    f.add(1, f"for i in range({f.hoist('size', f.array(f'{plan.key}_sizes') + '[0]')}):")
    f.add(2, *(f"{local} = {f.array(f'{plan.key}_v_{name}')}[i]" for name, local in locals_.items()))
    refractory = plan.population.refractory_ms > 0
    if refractory:
        latest = f.hoist("latest", f"np.int32(t - {plan.key}_sizes[1])")  # 32 bits, like fired_at: less memory traffic
        f.add(2, f"active = {f.array(f'{plan.key}_fired_at')}[i] <= {latest}")
    after = {name: f"n_{name}" if name in plan.moving else local for name, local in locals_.items()}
    for name in plan.moving:
        held = refractory and name in plan.equations.held
        f.add(2, f"n_{name} = {_moved(f, plan, name, locals_)}")
        f.add(2, *([f"n_{name} = n_{name} if active else v_{name}"] if held else []))
        f.add(2, f"{plan.key}_v_{name}[i] = n_{name}")
    if plan.condition is not None:
        above = f"({f.expression(plan.condition, after)})" + (" & active" if refractory else "")
        f.add(2, f"{f.array(f'{plan.key}_hits')}[i] = {above}")
    return f


def _moved(f: Function, plan: PopulationPlan, name: str, locals_: dict[str, str]) -> str:
    if plan.exact is None:
        return f"v_{name} + dt * ({f.expression(plan.equations.slopes[name], locals_)})"
    row, table = plan.moving.index(name), f.array(f"{plan.key}_exact")
    terms = []
    for column, factor in enumerate(plan.exact[row]):
        if factor != 0:
            local = f.hoist(f"e_{row}_{column}", f"{table}[{row}, {column}]")
            terms.append(f"{local} * v_{plan.moving[column - 1]}" if column else local)
    return " + ".join(terms) or "0.0"


def driven(plan: PopulationPlan, number: int, constants: tuple[str, ...]) -> Function:
    """The Poisson drive with this number: the spikes of all neurons together are a Poisson number, each for a random one."""
    name = plan.population.drives[number].onto
    f = Function(f"{plan.key}_drive{number}", ("t", "random"), constants)
    table, values = (f.array(f"{plan.key}_{part}") for part in (f"total{number}", f"v_{name}"))
    amount = f.hoist("amount", f"{f.array(f'{plan.key}_amounts')}[{number}]")
    size = f.hoist("size", f"np.float64({values}.shape[0])")
    f.add(1, f"for k in range(poisson_number(random, {table})):", f"    i = int(uniform(random) * {size})")
    if name in plan.equations.held and plan.population.refractory_ms:
        latest = f.hoist("latest", f"np.int32(t - {f.array(f'{plan.key}_sizes')}[1])")
        f.add(2, f"if {f.array(f'{plan.key}_fired_at')}[i] <= {latest}:", f"    {values}[i] += {amount}")
    else:
        f.add(2, f"{values}[i] += {amount}")
    return f


def at_spikes(
    plan: PopulationPlan, assignments: list[Assignment], hook: str, constants: tuple[str, ...]
) -> Function | None:
    """`reset` or `after` of the neurons in fired[:count]."""
    if not assignments:
        return None
    f = Function(f"{plan.key}_{hook}", ("t", "fired", "count"), constants)
    f.add(1, "for k in range(count):")
    f.add(2, "i = fired[k]")
    own = sorted(used(assignments) & set(plan.equations.variables))
    places = {name: place(f, plan, name, "i", f"v_{name}") for name in own}
    load(f, 2, places.values())
    f.statements(2, assignments, {name: p.local for name, p in places.items()})
    store(f, 2, (places[name] for name in dict.fromkeys(a.name for a in assignments)))
    return f


def place(f: Function, plan: PopulationPlan, name: str, index: str, local: str) -> Place:
    """The location of variable `name` of neuron `index`; a lazy variable is decayed when it is loaded."""
    array = f.array(f"{plan.key}_v_{name}")
    if name not in plan.lazy:
        return Place(local, f"{array}[{index}]", (f"{array}[{index}] = {local}",))
    last, fine, coarse = (f.array(f"{plan.key}_{part}_{name}") for part in ("last", "fine", "coarse"))
    decayed = f"{array}[{index}] * power({fine}, {coarse}, t - {last}[{index}])"
    return Place(local, decayed, (f"{array}[{index}] = {local}", f"{last}[{index}] = t"))


def load(f: Function, depth: int, places: Iterable[Place]) -> None:
    f.add(depth, *(f"{p.local} = {p.load}" for p in places))


def store(f: Function, depth: int, places: Iterable[Place]) -> None:
    f.add(depth, *(line for p in places for line in p.store))
