"""Small nets with random wires and spikes, chips with little room, and the slow way to count what spikes travel."""

from collections import Counter

import numpy as np

from neurorec.hardware.chips.chip import Chip, load_chip
from neurorec.hardware.mapping.net import Net, UnitGroup
from neurorec.hardware.mapping.placement import Plan
from neurorec.hardware.workload.wiring import INPUT_LINES, Regular, Wires


def shrunk(chip: Chip, **limits: int) -> Chip:
    """`chip` with smaller limits."""
    changed = {name: getattr(chip.limits, name).model_copy(update={"count": n}) for name, n in limits.items()}
    return chip.model_copy(update={"limits": chip.limits.model_copy(update=changed)})


def small_loihi(cores: int = 6, tiles: tuple[int, int] = (3, 2), per_tile: int = 1, **limits: int) -> Chip:
    """Loihi's prices on a chip of a few tiles."""
    chip = shrunk(load_chip("loihi1"), cores=cores, **limits)
    assert chip.network is not None
    return chip.model_copy(
        update={"network": chip.network.model_copy(update={"tiles": list(tiles), "cores_per_tile": per_tile})}
    )


def wired_net(exists: np.ndarray, spikes: np.ndarray, inputs: int = 0) -> Net:
    """One group; exists [units, inputs + units] says who hears whom, spikes [inputs + units] how often each line spikes."""
    starts = np.concatenate([[0], np.cumsum(exists.sum(1))]).astype(np.int64)
    wires = Wires(starts, np.nonzero(exists)[1].astype(np.int32))
    return Net(
        groups=(UnitGroup("units", len(exists), 1, spikes[inputs:]),),
        input_spikes=spikes[:inputs],
        regular=(),
        synapses=exists.sum(1).astype(np.int64),
        wired=frozenset({(INPUT_LINES, 0), (0, 0)} if inputs else {(0, 0)}),
        draw=lambda: wires,
    )


def random_net(seed: int, units: int = 40, inputs: int = 5, share: float = 0.15) -> Net:
    draw = np.random.default_rng(seed)
    exists = draw.random((units, inputs + units)) < share
    return wired_net(exists, draw.integers(0, 9, inputs + units), inputs)


def layered_net(seed: int) -> Net:
    """Input -> a <-> a -> b, every unit to every unit; wires of its own from a to b's sparse neighbour c."""
    draw = np.random.default_rng(seed)
    exists = np.zeros((29, 4 + 29), bool)
    exists[20:, 4:16] = draw.random((9, 12)) < 0.4  # c hears some of a
    starts = np.concatenate([[0], np.cumsum(exists.sum(1))]).astype(np.int64)
    wires = Wires(starts, np.nonzero(exists)[1].astype(np.int32))
    groups = tuple(
        UnitGroup(name, size, 1, draw.integers(0, 9, size)) for name, size in (("a", 12), ("b", 8), ("c", 9))
    )
    return Net(
        groups=groups,
        input_spikes=draw.integers(1, 9, 4),
        regular=(Regular(INPUT_LINES, 0, 4), Regular(0, 0, 12), Regular(0, 1, 12)),
        synapses=np.repeat([16, 12, 0], [12, 8, 9]) + exists.sum(1),
        wired=frozenset({(0, 2)}),
        draw=lambda: wires,
    )


def heard_by(net: Net) -> list[list[int]]:
    """Of each line, the units that hear it."""
    found = [[] for _ in range(net.inputs + net.size)]
    for unit in range(net.size):
        for line in net.wires.lines[net.wires.starts[unit] : net.wires.starts[unit + 1]]:
            found[line].append(unit)
    for r in net.regular:
        lines = (
            range(net.inputs) if r.source == INPUT_LINES else range(*(net.inputs + net.first[r.source : r.source + 2]))
        )
        for line in lines:
            found[line] += range(*net.first[r.target : r.target + 2])
    return found


def walk(plan: Plan) -> tuple[Counter, Counter]:
    """Every spike over every link, one at a time: packets over each link (chip-wide x, y, dx, dy), and other counts."""
    net, ground, links, count = plan.net, plan.travel.ground, Counter(), Counter()
    across = ground.grid[0]

    def spot(core: int) -> tuple[int, int, int]:
        place = int(plan.places[core]) if core >= 0 else 0
        chip, tile = place // ground.on_chip, place % ground.on_chip // ground.per_tile
        x, y = tile % ground.columns, tile // ground.columns
        return chip, chip % across * ground.columns + x, chip // across * ground.rows + y

    for line, units in enumerate(heard_by(net)):
        origin = -1 if line < net.inputs else plan.layout.core_of[line - net.inputs]
        chip, x, y = spot(origin)
        cores = {int(plan.layout.core_of[unit]) for unit in units}
        for _ in range(int(net.spikes[line])):
            tree = set()
            for core in cores:
                goal_chip, goal_x, goal_y = spot(core)
                count["packets"] += 1
                count["off_chip"] += goal_chip != chip
                count["within"] += (goal_x, goal_y) == (x, y)
                way = _way(x, y, goal_x, goal_y)
                tree.update(way)
                if not ground.multicast:
                    links.update(way)
            if ground.multicast:
                links.update(tree)
                count["other_chips"] += len({spot(core)[0] for core in cores} - {chip})
    return links, count


def _way(x: int, y: int, goal_x: int, goal_y: int) -> list[tuple[int, int, int, int]]:
    way = []
    while (x, y) != (goal_x, goal_y):
        dx = int(np.sign(goal_x - x))
        dy = 0 if dx else int(np.sign(goal_y - y))
        way.append((x, y, dx, dy))
        x, y = x + dx, y + dy
    return way


def loads(plan: Plan) -> dict[tuple[int, int, int, int], int]:
    """The loads of a plan, link by link, as `walk` names them."""
    directions = ((1, 0), (-1, 0), (0, 1), (0, -1))
    return {(x, y, *directions[d]): int(load) for (d, y, x), load in np.ndenumerate(plan.travel.load) if load}
