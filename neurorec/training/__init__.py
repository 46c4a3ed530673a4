"""One run: load a pair, fit, evaluate, keep the weights."""

from neurorec.training.baselines import ridge_on_input
from neurorec.training.fit import Progress, Run, train
from neurorec.training.pairs import LoadedHalf, LoadedPair, load_pair

__all__ = ["LoadedHalf", "LoadedPair", "Progress", "Run", "load_pair", "ridge_on_input", "train"]
