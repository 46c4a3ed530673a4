"""Compiled sampling of energy models. numba and llvmlite are loaded on first use.

annealed_learning.py  annealing of Boltzmann machines, and learning from it (numba)
bipartite.py      chains of a model with two groups of units (restricted Boltzmann machines): weights packed, seeds, threads
gibbs_kernels.py  their loops over sweeps and chains (numba)
lattice.py        sweeps over a square lattice of spins, one spin after another (numba)
refractory.py     steps of neurons with an absolute refractory period, one neuron after another (numba)
gibbs_cache.py    loads these modules, compiled, from a persistent folder of the user's

Random numbers of chains are a function of seed, chain, sweep and unit, so that results depend neither on threads nor on how
chains are split into calls. Sums over the units that are on use the row sums of engines/fused.
"""
