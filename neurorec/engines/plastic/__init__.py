"""Event networks compiled for one CPU core; numba loads when a network runs, not before."""
