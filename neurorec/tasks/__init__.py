"""What is learned: tasks, their objectives, and the encoders that turn their frames into spikes."""

from neurorec.tasks import objectives  # isort: skip  (objectives first: tasks name them)
from neurorec.tasks import digits, encoders, store_recall

__all__ = ["digits", "encoders", "objectives", "store_recall"]
