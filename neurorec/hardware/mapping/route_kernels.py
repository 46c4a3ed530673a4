"""Loops over all deliveries: links, trees, busiest cores, swaps of a search. Compiled with numba, like the wires' loops.

Row c of a sparse matrix of deliveries holds the senders that reach core c: senders[row_starts[c]:row_starts[c + 1]].
"""

import numba
import numpy as np

compiled = numba.njit(nogil=True, cache=True)


@compiled
def busiest_cores(row_starts, senders, synapses, sent_starts, sent, own_starts, own, units, times_ns, steps):
    """[steps, 3] synaptic events, active and inactive neurons of the busiest core in each step.

    sent[sent_starts[s]:...]: the steps in which sender s spiked, own[own_starts[c]:...]: those of the units of core c.
    """
    busiest = np.zeros((steps, 3))
    longest = np.full(steps, -1.0)
    events, active = np.zeros(steps, np.int64), np.zeros(steps, np.int64)
    for core in range(len(row_starts) - 1):
        events[:], active[:] = 0, 0
        for k in range(row_starts[core], row_starts[core + 1]):
            s = senders[k]
            for at in range(sent_starts[s], sent_starts[s + 1]):
                events[sent[at]] += synapses[k]
        for at in range(own_starts[core], own_starts[core + 1]):
            active[own[at]] += 1
        for t in range(steps):
            silent = units[core] - active[t]
            takes = events[t] * times_ns[0] + active[t] * times_ns[1] + silent * times_ns[2]
            if takes > longest[t]:
                longest[t] = takes
                busiest[t, 0], busiest[t, 1], busiest[t, 2] = events[t], active[t], silent
    return busiest


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
    """As `unicast_loads`, for one packet per spike that is copied where paths diverge: each link of the tree counts once.

    Also the number of other target tiles, each counted once.
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
def packets_between(row_starts, senders, spikes, origin, item_of, items):
    """Packets from item to item [items + 1, items]; the last row holds those of the input. An item is a core or a chip."""
    found = np.zeros((items + 1, items))
    for core in range(len(row_starts) - 1):
        to = item_of[core]
        for k in range(row_starts[core], row_starts[core + 1]):
            s = senders[k]
            found[item_of[origin[s]] if origin[s] >= 0 else items, to] += spikes[s]
    return found


@compiled
def lengthening(a, b, starts, others, weights, pull, slot_x, slot_y, places):
    """Change of the total path length of all spikes if the items a and b swap positions."""
    grows = 0.0
    for i, p, q in ((a, places[a], places[b]), (b, places[b], places[a])):
        for k in range(starts[i], starts[i + 1]):
            if others[k] == a or others[k] == b:
                continue  # the distance between the two does not change
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
    """Swap pairs of items to minimise the path length, sum of weight x distance. Returns the best positions.

    `pull` [items]: weight of each item's path to slot 0. The temperature starts at the mean change of 50 swaps and falls with
    the cube of the remaining time.
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
