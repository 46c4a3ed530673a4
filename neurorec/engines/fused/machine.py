"""What the processor at hand offers: numbers a vector register holds, and vectors a loop may keep in registers."""

from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Machine:
    lanes: int  #: float32 numbers in a vector register
    tile_rows: int  #: samples that one pass of a dense product carries along (each takes two registers)

    @property
    def padding(self) -> int:
        """Rows of H numbers are padded to a multiple of this."""
        return 2 * self.lanes


@cache
def machine() -> Machine:
    """AVX-512 (32 registers), AVX2 (16), or 128-bit vectors as on ARM (32)."""
    from llvmlite.binding import get_host_cpu_features

    features = get_host_cpu_features()
    if features.get("avx512f"):
        return Machine(lanes=16, tile_rows=8)
    return Machine(lanes=8, tile_rows=4) if features.get("avx2") else Machine(lanes=4, tile_rows=8)
