"""What is learned: tasks, and the encoders that turn their frames into spikes."""

from neurorec.tasks import digits, encoders, store_recall

__all__ = ["digits", "encoders", "store_recall"]
