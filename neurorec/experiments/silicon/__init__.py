"""Checks of the hardware model against measured silicon: `python -m neurorec.experiments.silicon`."""
