"""What is learned: tasks, their objectives, and the encoders that turn their frames into spikes."""

from neurorec.tasks import objectives  # isort: skip  (objectives first: tasks name them)
from neurorec.tasks import delayed_match_to_sample, digits, encoders, pattern_recall, store_recall

__all__ = ["delayed_match_to_sample", "digits", "encoders", "objectives", "pattern_recall", "store_recall"]
