"""Random generators: one integer seed and a purpose determine one independent stream."""

import hashlib

import numpy as np
import torch


def _entropy(seed: int, purpose: str) -> list[int]:
    digest = hashlib.sha256(purpose.encode()).digest()
    return [seed, int.from_bytes(digest[:8], "little")]


def numpy_generator(seed: int, purpose: str) -> np.random.Generator:
    """A NumPy generator for `purpose`, independent of other purposes of the same seed."""
    return np.random.default_rng(np.random.SeedSequence(_entropy(seed, purpose)))


def torch_generator(seed: int, purpose: str) -> torch.Generator:
    """A torch CPU generator for `purpose` (weights are drawn on the CPU, so they are equal on every device)."""
    state = np.random.SeedSequence(_entropy(seed, purpose)).generate_state(1, np.uint64)[0]
    return torch.Generator().manual_seed(int(state) % 2**63)
