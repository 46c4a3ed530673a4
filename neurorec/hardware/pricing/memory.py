"""Allocation of stores to a chip's memories, and the bits read from and written to each.

Stores are allocated in order of use (bits
moved per bit held, most first), each entirely in the smallest memory with enough free space. This is the best that a
compiler knowing the network could do: no caches, no transfers between memories, no registers.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from neurorec.basics.counts import Kind, LayerCounts, Store
from neurorec.hardware.chips.evidence import AccessEnergy
from neurorec.hardware.chips.precision import Precision

INSIDE = "inside the price"  #: name of the memory of a chip whose card has none


@dataclass(frozen=True)
class BitsMoved:
    """Bits read from and written to one store, and the memory that holds it."""

    layer: str
    kind: Kind
    level: str
    bits_held: int
    bits_read: int
    bits_written: int

    @property
    def bits(self) -> int:
        return self.bits_read + self.bits_written


def place_stores(
    stores: Iterable[Store], used: LayerCounts, precision: Precision, levels: Sequence[AccessEnergy]
) -> dict[tuple[str, Kind], int | None]:
    """The index of the memory that holds each store (None if the card has no memory, or none has enough space)."""

    def use(store: Store) -> float:
        counts = used.of(store.layer)
        return (counts.reads(store.kind) + counts.writes(store.kind)) / max(1, store.words)

    held = [0] * len(levels)
    placed: dict[tuple[str, Kind], int | None] = {}
    for store in sorted(stores, key=use, reverse=True):
        size_bytes = -(-store.words * precision.bits(store.kind) // 8)
        at = next((n for n, level in enumerate(levels) if _has_room(level, held[n] + size_bytes)), None)
        placed[store.layer, store.kind] = at
        if at is not None:
            held[at] += size_bytes
    return placed


def _has_room(level: AccessEnergy, size_bytes: int) -> bool:
    return level.size_bytes is None or size_bytes <= level.size_bytes


def traffic(
    stores: Sequence[Store],
    counted: LayerCounts,
    precision: Precision,
    levels: Sequence[AccessEnergy],
    placed: dict[tuple[str, Kind], int | None] | None = None,
) -> tuple[BitsMoved, ...]:
    """Bits moved by `counted`; if `placed` is not given, stores are allocated according to this use."""
    placed = place_stores(stores, counted, precision, levels) if placed is None else placed
    moved = []
    for store in stores:
        bits, at = precision.bits(store.kind), placed[store.layer, store.kind]
        counts = counted.of(store.layer)
        level = INSIDE if not levels else "nowhere" if at is None else levels[at].name
        reads, writes = counts.reads(store.kind) * bits, counts.writes(store.kind) * bits
        moved.append(BitsMoved(store.layer, store.kind, level, store.words * bits, reads, writes))
    return tuple(moved)
