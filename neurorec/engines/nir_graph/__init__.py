"""The parts of the NIR interpreter (`neurorec.engines.on_nir`): options, reading, stateless nodes, neurons."""
