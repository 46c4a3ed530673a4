"""One run: load a pair, train, evaluate. Importing this folder registers all members, including those of plugins."""

from neurorec.basics.plugins import load_plugins
from neurorec.training.baselines import best_baseline
from neurorec.training.fit import Progress, Run, train
from neurorec.training.pairs import LoadedHalf, LoadedPair, load_pair, pair_from_text

__all__ = ["LoadedHalf", "LoadedPair", "Progress", "Run", "best_baseline", "load_pair", "pair_from_text", "train"]

load_plugins()
