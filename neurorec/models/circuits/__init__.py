"""Digital circuits of NOR gates as recurrent networks: netlist.py describes them, gates.py, latches.py and computer.py build
them, gate_simulator.py is the reference, and circuit_networks.py turns them into a rate and a spiking network."""
