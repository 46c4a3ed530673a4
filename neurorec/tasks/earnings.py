"""What a rule that learns from rewards is told about a batch of samples, instead of their targets."""

from collections.abc import Callable

from torch import Tensor

from neurorec.basics.errors import CannotRun


class Earnings:
    """The rewards [B] of one answer per sample [B], only once, because trying every answer would reveal the target."""

    def __init__(self, rewards: Callable[[Tensor], Tensor]) -> None:
        self._rewards: Callable[[Tensor], Tensor] | None = rewards

    def __call__(self, answers: Tensor) -> Tensor:
        """Raises `CannotRun` at the second call."""
        if self._rewards is None:
            raise CannotRun("the rewards of these samples can be read only once; keep them, or take the next batch")
        rewards, self._rewards = self._rewards, None
        return rewards(answers)
