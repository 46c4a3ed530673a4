"""Where neurons go: which core holds which, where cores lie, how far spikes travel. Prices are none of its business.

wiring.py     what is placed: groups of neurons, who hears whom        trained.py    a trained network so written
layout.py     neurons to cores, under the chip's limits                 partition.py  the same by METIS
spike_traffic.py   which spikes which core must hear                    routes.py     links, hops, what leaves a chip
anneal.py     cores to places                                           placement.py  all of it in order: `Mapping`
wire_kernels.py, route_kernels.py   the loops over every synapse and every delivery (numba)
"""

from neurorec.hardware.mapping.placement import Core, Mapping, place
from neurorec.hardware.mapping.trained import place_network

__all__ = ["Core", "Mapping", "place", "place_network"]
