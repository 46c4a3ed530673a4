"""Placement: which core holds which neurons, where cores are, how far spikes travel. Independent of prices.

net.py        what is placed, on one chip            layout.py         neurons to cores, within the chip's limits
partition.py  the same with METIS                    spike_traffic.py  which spikes each core must receive
routes.py     links, hops, traffic between chips     anneal.py         cores to positions
placement.py  everything together: `Mapping`         busiest.py        the busiest core of each step, if steps are known
wire_kernels.py, route_kernels.py   the loops over every synapse and every delivery (numba)
"""

from neurorec.hardware.mapping.placement import Mapping, place, place_work

__all__ = ["Mapping", "place", "place_work"]
