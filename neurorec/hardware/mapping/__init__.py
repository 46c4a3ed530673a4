"""Where neurons go: which core holds which, where cores lie, how far spikes travel. Prices are none of its business.

net.py        what is placed, on one chip            layout.py         neurons to cores, under the chip's limits
partition.py  the same by METIS                      spike_traffic.py  which spikes which core must hear
routes.py     links, hops, what leaves a chip        anneal.py         cores to places
placement.py  all of it in order: `Mapping`          busiest.py        what each step waits for, where spikes have a step
wire_kernels.py, route_kernels.py   the loops over every synapse and every delivery (numba)
"""

from neurorec.hardware.mapping.placement import Mapping, place, place_work

__all__ = ["Mapping", "place", "place_work"]
