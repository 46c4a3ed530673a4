"""Loops that draw wires, fill cores and collect the inputs of cores. Compiled with numba, loaded by `kernels.py`.

Lines are numbered consecutively: input lines first, then all units. `starts`, `lines`: unit u receives
lines[starts[u]:starts[u+1]].
"""

import numba
import numpy as np

compiled = numba.njit(nogil=True, cache=True)


@compiled
def fill(
    order,
    first_of_part,
    group,
    units,
    synapses,
    regular,
    out,
    room,
    store,
    axons,
    out_room,
    starts,
    lines,
    lines_in_all,
):
    """Core of every unit: units in `order`, with a new core where a limit would be exceeded or a part starts.

    regular [G, G + 1]: lines that a unit of a group receives from each source as a whole (the input is the last column).
    out [N]: target cores of each unit, as far as known; a core may have `out_room` of them.
    """
    core_of = np.full(len(group), -1, np.int32)
    heard_on = np.full(lines_in_all, -1, np.int32)  # the last core on which a line was counted
    whole_on = np.full(regular.shape[1], -1, np.int32)
    core, used, stored, arriving, leaving = -1, 0, 0, 0, 0
    for at in range(len(order)):
        u = order[at]
        g = group[u]
        fresh, alone = 0, starts[u + 1] - starts[u] + regular[g].sum()
        for s in range(regular.shape[1]):
            if whole_on[s] != core:
                fresh += regular[g, s]
        for k in range(starts[u], starts[u + 1]):
            if heard_on[lines[k]] != core:
                fresh += 1
        if (
            core < 0
            or first_of_part[at]
            or used + units[g] > room
            or stored + synapses[u] > store
            or (fresh > 0 and arriving + fresh > axons and alone <= axons)
            or leaving + out[u] > out_room
        ):
            core, used, stored, arriving, leaving = core + 1, 0, 0, 0, 0
        for s in range(regular.shape[1]):
            if regular[g, s] > 0 and whole_on[s] != core:
                whole_on[s] = core
                arriving += regular[g, s]
        for k in range(starts[u], starts[u + 1]):
            if heard_on[lines[k]] != core:
                heard_on[lines[k]] = core
                arriving += 1
        used, stored, leaving = used + units[g], stored + synapses[u], leaving + out[u]
        core_of[u] = core
    return core_of, core + 1


@compiled
def count_heard(units, unit_starts, starts, lines, lines_in_all):
    """Number of different lines that the units of each core receive. Core c holds units[unit_starts[c]:unit_starts[c + 1]]."""
    cores = len(unit_starts) - 1
    heard_on = np.full(lines_in_all, -1, np.int32)
    count = np.zeros(cores + 1, np.int64)
    for core in range(cores):
        for at in range(unit_starts[core], unit_starts[core + 1]):
            u = units[at]
            for k in range(starts[u], starts[u + 1]):
                if heard_on[lines[k]] != core:
                    heard_on[lines[k]] = core
                    count[core + 1] += 1
    return np.cumsum(count)


@compiled
def gather_heard(units, unit_starts, starts, lines, lines_in_all, row_starts):
    """The lines counted by `count_heard`, core after core, and the number of synapses of each on the core."""
    heard = np.empty(row_starts[-1], np.int32)
    synapses = np.empty(row_starts[-1], np.int32)
    at_line = np.full(lines_in_all, -1, np.int64)  # position of this line in `heard`
    end = 0
    for core in range(len(unit_starts) - 1):
        for at in range(unit_starts[core], unit_starts[core + 1]):
            u = units[at]
            for k in range(starts[u], starts[u + 1]):
                line = lines[k]
                if at_line[line] < row_starts[core]:
                    at_line[line] = end
                    heard[end] = line
                    synapses[end] = 0
                    end += 1
                synapses[at_line[line]] += 1
    return heard, synapses


@compiled
def draw_fan_in(units, fan_in, source_first, source_size, seed, starts, lines, filled):
    """Each unit in [units[0], units[1]) receives `fan_in` different lines of the source, drawn uniformly."""
    np.random.seed(seed)
    taken = np.full(source_size, -1, np.int64)
    for u in range(units[0], units[1]):
        at = starts[u] + filled[u]
        for k in range(fan_in):
            while True:
                pick = np.random.randint(source_size)
                if taken[pick] != u:
                    break
            taken[pick] = u
            lines[at + k] = source_first + pick
        filled[u] += fan_in


@compiled
def draw_near(units, fan_in, sides, reach, seed, source_first, starts, lines, filled):
    """Each unit of a lattice with sides [x, y, z] receives `fan_in` others, at rounded normal offsets along each axis.

    The standard deviation is `reach`, increased by one per cent after each draw that gives no new neighbour.
    """
    np.random.seed(seed)
    size = sides[0] * sides[1] * sides[2]
    taken = np.full(size, -1, np.int64)
    for u in range(units[0], units[1]):
        own = u - units[0]
        x, y, z = own % sides[0], own // sides[0] % sides[1], own // (sides[0] * sides[1])
        taken[own] = u
        wide, k = reach, 0
        while k < fan_in:
            i = x + round(np.random.normal(0.0, wide))
            j = y + round(np.random.normal(0.0, wide))
            m = z + round(np.random.normal(0.0, wide))
            inside = 0 <= i < sides[0] and 0 <= j < sides[1] and 0 <= m < sides[2]
            pick = i + sides[0] * (j + sides[1] * m)
            if not inside or taken[pick] == u:
                wide = min(1.01 * wide, float(max(sides)))
                continue
            taken[pick] = u
            lines[starts[u] + filled[u] + k] = source_first + pick
            wide, k = reach, k + 1
        filled[u] += fan_in
