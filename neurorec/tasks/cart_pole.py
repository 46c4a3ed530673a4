"""Cart and pole (Barto, Sutton & Anderson 1983), as in Gymnasium, but without velocities: a policy must remember to see motion.

Gymnasium's own vectorised CartPole-v1 computes the motion; this is the only file that imports it.
"""

import math
from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor

from neurorec.tasks.environment import Environment, EpisodeState
from neurorec.tasks.objective import SPLITS, Split
from neurorec.tasks.task import tasks

LONGEST = 500  #: steps of 20 ms
LIMITS = torch.tensor([2.4, 12 * math.pi / 180])  #: position in m and angle in rad at which an episode ends
DIRECTIONS, OFFSETS = 16, (-0.1, 0.0, 0.1)  #: linear policies tried as a baseline


class CartState(NamedTuple):
    """The state of B carts; `state` [4, B] is position, velocity, angle and angular velocity."""

    simulator: Any
    state: np.ndarray
    frame: int


@tasks.register("cart_pole")
class CartPole(Environment):
    """4 lines: how far the cart is to the left and to the right, how far the pole leans to the left and to the right.

    Each is a share of the limit at which an episode ends: 2.4 m, and 12 degrees. Velocities are not observed. Actions: push
    left, push right. Every step earns 1, up to 500 steps, so that the reward per episode is the number of steps balanced.
    """

    name = "cart_pole"
    title = "balance a pole on a cart without seeing velocities"
    inputs, outputs = 4, 2
    steps = LONGEST
    sources = ("barto1983", "gymnasium")

    def reset(self, episodes: int, generator: torch.Generator) -> EpisodeState:
        from gymnasium import make_vec

        simulator: Any = make_vec("CartPole-v1", num_envs=episodes, vectorization_mode="vector_entry_point").unwrapped
        simulator.reset(seed=int(torch.randint(2**31, (1,), generator=generator)))
        running = torch.ones(episodes, dtype=torch.bool)
        return self._seen(CartState(simulator, simulator.state, 0), running)

    def step(self, seen: EpisodeState, action: Tensor) -> tuple[Tensor, EpisodeState]:
        simulator, state, frame = seen.hidden
        simulator.state, simulator.prev_done[:], simulator.steps[:] = state, False, 0  # never restarted by itself
        _, reward, fallen, _, _ = simulator.step(action.numpy())
        running = seen.running & ~torch.from_numpy(fallen)
        after = CartState(simulator, simulator.state, frame + 1)
        return torch.from_numpy(reward), self._seen(after, running & (after.frame < self.steps))

    def drawn(self, seen: EpisodeState) -> Mapping[str, Tensor]:
        place = torch.from_numpy(seen.hidden.state[[0, 2]]).float() / LIMITS[:, None]
        return {"cart, in 2.4 m (right: positive)": place[0], "pole, in 12 degrees (right: positive)": place[1]}

    def baselines(self) -> dict[str, dict[Split, float]]:
        """Those of every environment, and the best of 48 linear policies without memory, chosen on the training split: push
        right where a x + b angle > c."""
        angles = torch.arange(DIRECTIONS) * (2 * math.pi / DIRECTIONS)
        candidates = [(a, c) for a in torch.stack([angles.cos(), angles.sin()], 1) for c in OFFSETS]
        best = max(candidates, key=lambda policy: self._linear(*policy, "train"))
        return super().baselines() | {"best linear without memory": self._scores(*best)}

    def _scores(self, weights: Tensor, offset: float) -> dict[Split, float]:
        return {split: self._linear(weights, offset, split) for split in SPLITS}

    def _linear(self, weights: Tensor, offset: float, split: Split) -> float:
        def policy(t: int, lines: Tensor) -> Tensor:
            return ((lines[:, 1::2] - lines[:, ::2]) @ weights > offset).long()

        return float(self.rollout(policy, *self.episodes(split)).returns.double().mean())

    def _seen(self, cart: CartState, running: Tensor) -> EpisodeState:
        """Lines are 0 after the end of an episode."""
        place = torch.from_numpy(cart.state[[0, 2]].T).float() / LIMITS * running[:, None]
        lines = torch.stack([-place, place], 2).clamp(0, 1).flatten(1)
        return EpisodeState(lines, cart, running)
