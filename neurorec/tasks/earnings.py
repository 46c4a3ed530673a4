"""What a rule that learns from rewards is told of a batch of samples, instead of their targets."""

from collections.abc import Callable

from torch import Tensor

from neurorec.basics.errors import CannotRun


class Earnings:
    """Tells what one answer per sample [B] earns, [B]; only once, because who could try every answer would find the target."""

    def __init__(self, rewards: Callable[[Tensor], Tensor]) -> None:
        self._rewards: Callable[[Tensor], Tensor] | None = rewards

    def __call__(self, answers: Tensor) -> Tensor:
        """Raises `CannotRun` if asked again."""
        if self._rewards is None:
            raise CannotRun(
                "the rewards of these samples were already told, once per sample; keep them, or draw the next batch"
            )
        rewards, self._rewards = self._rewards, None
        return rewards(answers)
