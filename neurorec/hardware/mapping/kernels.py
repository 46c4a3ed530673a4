"""The loops of mapping that touch every synapse once. numba compiles them; `compiled.py` loads them at first use.

Lines are numbered through: the input's first, then every unit. `starts`, `lines`: unit u hears lines[starts[u]:starts[u+1]].
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
    """Core of every unit: units in `order`, a new core where a limit would break or a part starts.

    regular [G, G + 1]: lines that a unit of a group hears from each source as a whole (the input is the last column).
    out [N]: cores that must hear each unit, as far as is known; `out_room` of them a core may have.
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
    """Of each core, how many different lines its units hear. Core c holds units[unit_starts[c]:unit_starts[c + 1]]."""
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
    """The lines that `count_heard` counted, core after core, and the synapses that each has on the core."""
    heard = np.empty(row_starts[-1], np.int32)
    synapses = np.empty(row_starts[-1], np.int32)
    at_line = np.full(lines_in_all, -1, np.int64)  # where this line stands in `heard`
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
    """Each unit in [units[0], units[1]) hears `fan_in` different lines of the source, every choice equally likely."""
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
    """Each unit of a lattice of sides [x, y, z] hears `fan_in` others of it, at rounded normal offsets along each axis.

    The standard deviation is `reach`, and one per cent more for a unit after each pick that is no new neighbour.
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
                wide *= 1.01
                continue
            taken[pick] = u
            lines[starts[u] + filled[u] + k] = source_first + pick
            k += 1
        filled[u] += fan_in


@compiled
def unicast_loads(row_starts, senders, spikes, from_x, from_y, to_x, to_y, columns, rows):
    """Packets over every link [east, west, south, north][y, x], out of the tile (x, y); routes east-west first."""
    steps = np.zeros((4, rows, columns), np.int64)
    for core in range(len(row_starts) - 1):
        x1, y1 = to_x[core], to_y[core]
        for k in range(row_starts[core], row_starts[core + 1]):
            s = senders[k]
            n = spikes[s]
            if n == 0:
                continue
            x0, y0 = from_x[s], from_y[s]
            if x1 > x0:
                steps[0, y0, x0] += n
                steps[0, y0, x1] -= n
            elif x1 < x0:
                steps[1, y0, x0] += n
                steps[1, y0, x1] -= n
            if y1 > y0:
                steps[2, y0, x1] += n
                steps[2, y1, x1] -= n
            elif y1 < y0:
                steps[3, y0, x1] += n
                steps[3, y1, x1] -= n
    for y in range(rows):
        for x in range(1, columns):
            steps[0, y, x] += steps[0, y, x - 1]
        for x in range(columns - 2, -1, -1):
            steps[1, y, x] += steps[1, y, x + 1]
    for x in range(columns):
        for y in range(1, rows):
            steps[2, y, x] += steps[2, y - 1, x]
        for y in range(rows - 2, -1, -1):
            steps[3, y, x] += steps[3, y + 1, x]
    return steps


@compiled
def same_tile_or_chip(row_starts, senders, spikes, from_x, from_y, from_chip, to_x, to_y, to_chip):
    """Packets that stay within their tile, and packets to a core on another chip."""
    within, off_chip = 0, 0
    for core in range(len(row_starts) - 1):
        for k in range(row_starts[core], row_starts[core + 1]):
            s = senders[k]
            if from_chip[s] != to_chip[core]:
                off_chip += spikes[s]
            elif from_x[s] == to_x[core] and from_y[s] == to_y[core]:
                within += spikes[s]
    return within, off_chip


@compiled
def tree_loads(target_starts, targets, spikes, from_x, from_y, to_x, to_y, columns, rows):
    """As `unicast_loads` for one packet a spike that is copied where its ways part: each link of the tree counts once.

    Also how many other tiles the packets are for, each once.
    """
    load = np.zeros((4, rows, columns), np.int64)
    seen_by = np.full((rows, columns), -1, np.int64)
    elsewhere = 0
    top, bottom = np.empty(columns, np.int64), np.empty(columns, np.int64)
    for s in range(len(spikes)):
        n = spikes[s]
        if n == 0 or target_starts[s] == target_starts[s + 1]:
            continue
        x0, y0 = from_x[s], from_y[s]
        left, right = x0, x0
        top[:], bottom[:] = y0, y0
        seen_by[y0, x0] = s
        for k in range(target_starts[s], target_starts[s + 1]):
            x, y = to_x[targets[k]], to_y[targets[k]]
            if seen_by[y, x] != s:
                seen_by[y, x] = s
                elsewhere += n
            left, right = min(left, x), max(right, x)
            top[x], bottom[x] = min(top[x], y), max(bottom[x], y)
        load[0, y0, x0:right] += n
        load[1, y0, left + 1 : x0 + 1] += n
        for x in range(left, right + 1):
            load[2, y0 : bottom[x], x] += n
            load[3, top[x] + 1 : y0 + 1, x] += n
    return load, elsewhere


@compiled
def lengthening(a, b, starts, others, weights, pull, slot_x, slot_y, places):
    """By how much the way of all spikes grows if the items a and b swap places."""
    grows = 0.0
    for i, p, q in ((a, places[a], places[b]), (b, places[b], places[a])):
        for k in range(starts[i], starts[i + 1]):
            if others[k] == a or others[k] == b:
                continue  # the two stay as far from each other as they were
            o = places[others[k]]
            there = abs(slot_x[q] - slot_x[o]) + abs(slot_y[q] - slot_y[o])
            here = abs(slot_x[p] - slot_x[o]) + abs(slot_y[p] - slot_y[o])
            grows += weights[k] * (there - here)
        there = abs(slot_x[q] - slot_x[0]) + abs(slot_y[q] - slot_y[0])
        here = abs(slot_x[p] - slot_x[0]) + abs(slot_y[p] - slot_y[0])
        grows += pull[i] * (there - here)
    return grows


@compiled
def anneal_swaps(starts, others, weights, pull, slot_x, slot_y, places, swaps, seed):
    """Swap two items, keep what shortens the way: sum of weight x distance. Returns the best places.

    `pull` [items]: weight of each item's way to slot 0. The heat starts at the mean change of 50 swaps and falls with the
    cube of the time left.
    """
    np.random.seed(seed)
    items = len(places)
    best = places.copy()
    length, shortest, heat = 0.0, 0.0, 0.0
    for n in range(-50, swaps):
        a = np.random.randint(items)
        b = np.random.randint(items - 1)
        b += b >= a
        grows = lengthening(a, b, starts, others, weights, pull, slot_x, slot_y, places)
        if n < 0:
            heat += abs(grows) / 50
            continue
        now = heat * (1.0 - n / swaps) ** 3
        if grows <= 0.0 or np.random.random() < np.exp(-grows / now):
            places[a], places[b] = places[b], places[a]
            length += grows
            if length < shortest:
                shortest = length
                best[:] = places
    return best
