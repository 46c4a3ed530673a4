"""Answers to density objectives: a network with a random code gives a lower bound on the log probability of a sample.

log p(x) >= E_q[log p(x | code)] - KL(q(code | x) | prior) (Kingma and Welling 2014). The expectation is over the noise, of
which the batch holds one draw. The network reads the sample, and writes the logits of its bits.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from neurorec.basics.errors import CannotRun
from neurorec.models.network import Network
from neurorec.models.running import NetworkState
from neurorec.tasks.batch import Batch, frame_means
from neurorec.tasks.objective import Objective


def answered(
    network: Network, sent: Mapping[str, Tensor], state: NetworkState, batch: Batch, objective: Objective
) -> Tensor:
    """The objective's answers, from what all layers sent [T, B, H] and their final state."""
    if not objective.of_density:
        return objective.answers(sent[network.output], batch)
    divergence = sum(network[name].divergence(state.layers[name]) for name in code_layers(network))
    logits = written(sent[network.output], batch.mask, batch.steps_per_frame)
    return (log_likelihood_of_bits(logits, batch.answers) - divergence)[:, None]


def code_layers(network: Network) -> list[str]:
    """The layers whose output is drawn from a distribution.

    Raises
    ------
    CannotRun
        If there is none.
    """
    found = [name for name, layer in network.named_layers() if hasattr(layer, "divergence")]
    if not found:
        raise CannotRun(
            f"{network.title} assigns no probability to a sample: none of its layers draws a code; use a network with the cell "
            "gaussian_code between encoder and decoder"
        )
    return found


def log_likelihood_of_bits(logits: Tensor, bits: Tensor) -> Tensor:
    """log probability [B] of bits [B, K], each independent of the others given its logit [B, K]."""
    return -torch.nn.functional.binary_cross_entropy_with_logits(logits, bits.to(logits.dtype), reduction="none").sum(1)


def written(outputs: Tensor, mask: Tensor, steps_per_frame: int) -> Tensor:
    """Outputs [T, B, O] in the frames that mask [T] selects, one frame after the other: [B, F O]."""
    frames = frame_means(outputs, steps_per_frame)
    return frames[mask[::steps_per_frame]].transpose(0, 1).flatten(1)
