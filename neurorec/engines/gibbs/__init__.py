"""Compiled Gibbs sampling. numba and llvmlite are loaded on first use.

bipartite.py      chains of a model with two groups of units (restricted Boltzmann machines): weights packed, seeds, threads
gibbs_kernels.py  the loops over sweeps and chains (numba)
gibbs_cache.py    loads them, compiled, from a persistent folder of the user's

Random numbers are a function of seed, chain, sweep and unit, so that results depend neither on threads nor on how chains are
split into calls. Sums over the units that are on use the row sums of engines/fused.
"""
