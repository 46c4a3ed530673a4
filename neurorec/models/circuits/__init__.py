"""Digital circuits of NOR gates as recurrent networks: netlist.py describes them, gates.py, memory.py and processor.py build
them, simulate.py is the reference, and compile.py turns them into a rate and a spiking network."""
