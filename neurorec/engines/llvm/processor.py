"""Features of the processor: numbers per vector register, and vectors that a loop can keep in registers.

numba's own settings NUMBA_CPU_NAME and NUMBA_CPU_FEATURES (say "haswell" and "+avx2,+fma") select a different processor, for
the time loops and the compiled steps alike; NUMBA_CPU_NAME=generic alone has no features, hence the narrowest vectors.
"""

import os
from dataclasses import dataclass
from functools import cache


@dataclass(frozen=True)
class Processor:
    cpu: str
    features: str  #: in LLVM's notation, "+avx2,-sse4a,..."
    lanes: int  #: float32 numbers per vector register
    tile_rows: int  #: samples per pass of a dense product (each takes two registers)

    @property
    def padding(self) -> int:
        """Rows of H numbers are padded to a multiple of this."""
        return 2 * self.lanes


@cache
def processor() -> Processor:
    """AVX-512 (32 registers), AVX2 (16), or 128-bit vectors as on ARM (32) and on any x86-64 (16, some then spilled)."""
    from llvmlite.binding import get_host_cpu_features, get_host_cpu_name

    cpu = os.environ.get("NUMBA_CPU_NAME") or get_host_cpu_name()
    default = "" if cpu.lower() == "generic" else get_host_cpu_features().flatten()
    features = os.environ.get("NUMBA_CPU_FEATURES", default)
    offered = features.split(",")
    if "+avx512f" in offered:
        return Processor(cpu, features, lanes=16, tile_rows=8)
    return Processor(cpu, features, *((8, 4) if "+avx2" in offered else (4, 8)))
